"""Bodies as senders write them -> rows: one row, an array, Sumo Logic, Splunk, Elastic, Sentinel, or by a path."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from playbook.alerts import ocsf
from playbook.errors import ConfigError

MOST_ROWS = 5_000
_MOST_DEPTH = 40
_SHORT = 300
# What a body says about itself, kept beside each row for people: our key -> how senders spell it.
_ABOUT: Mapping[str, tuple[str, ...]] = {
    "title": (
        "name",
        "search_name",
        "alertdisplayname",
        "alertname",
        "rule_name",
        "title",
        "kibana.alert.rule.name",
        "displayname",
    ),
    "severity": ("severity", "urgency", "kibana.alert.severity", "priority"),
    "link": ("queryurl", "results_link", "alerturl", "alertlink", "kibana.alert.url", "incidenturl", "link"),
    "reference": ("sid", "id", "alertid", "systemalertid", "kibana.alert.uuid", "event_id", "incidentid"),
}
# A results variable that stands inside quotes and was not escaped: "[{"src_ip": ...}]".
_UNESCAPED = re.compile(r'"(\[\s*\{.*\}\s*\])"', re.DOTALL)


class Batch(NamedTuple):
    """The rows of one body, what the body says about itself, and what has to be told to whoever sent it."""

    sender: str
    rows: tuple[Mapping[str, Any], ...]
    about: Mapping[str, str]
    notes: tuple[str, ...] = ()


def parsed(body: bytes) -> Any:
    """The JSON of a body. ConfigError says in a sentence why it is none."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError("the alert is not UTF-8 text") from None
    try:
        return _loaded(text)
    except ValueError as fault:
        mended = _UNESCAPED.sub(r"\1", text, count=1)
        if mended != text:
            try:
                return _loaded(mended)
            except ValueError:
                pass
        raise ConfigError(f"the alert is no JSON: {fault}") from None


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return values


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def batch_of(document: Any, rows_path: str = "") -> Batch:
    """The rows of a parsed body; ``rows_path`` (dotted) says where they lie. ConfigError when there are none."""
    if _depth(document) > _MOST_DEPTH:
        raise ConfigError(f"the alert is nested more than {_MOST_DEPTH} deep")
    if rows_path:
        return _limited(Batch("generic", _rows(_at(document, rows_path), rows_path), about_of(document)))
    found = ocsf.findings(document)
    if found is not None:
        return _limited(Batch("ocsf", ocsf.rows(found), about_of(ocsf.about(found))))
    if isinstance(document, list):
        return _limited(Batch("rows", _rows(document, "the array"), {}))
    if not isinstance(document, Mapping):
        raise ConfigError("expected an object or an array of objects")
    for unwrap in _SENDERS:
        batch = unwrap(document)
        if batch is not None:
            return _limited(batch)
    return Batch("row", (document,), about_of(document))


def _limited(batch: Batch) -> Batch:
    if len(batch.rows) > MOST_ROWS:
        raise ConfigError(f"{len(batch.rows)} rows in one body; at most {MOST_ROWS} are taken: send them in parts")
    return batch


def about_of(document: Any) -> dict[str, str]:
    """Title, severity, link and reference of a body, each one short line, where it gives them."""
    if not isinstance(document, Mapping):
        return {}
    plain = {
        str(key).lower(): value
        for key, value in document.items()
        if isinstance(value, str | int) and not isinstance(value, bool) and value != ""
    }
    about = {}
    for name, spellings in _ABOUT.items():
        value = next((plain[one] for one in spellings if one in plain), None)
        if value is not None:
            about[name] = " ".join(str(value).split())[:_SHORT]
    return about


def _sumo(document: Mapping[str, Any]) -> Batch | None:
    """A webhook of Sumo Logic: ``{{AggregateResultsJson}}`` under any key of that name, an array or its text."""
    keys = {_bare(key): key for key in document}
    key = keys.get("aggregateresultsjson")
    if key is None and "numrawresults" in keys:
        key = next((keys[name] for name in ("results", "aggregateresults", "rows") if name in keys), None)
    if key is None:
        return None
    about = about_of(document)
    if str(document.get(keys.get("triggertype", ""), "")).lower().startswith("resolved"):
        return Batch("sumo", (), about, ("the monitor is resolved: nothing is filed, and no case is closed by it",))
    rows = _rows(_from_text(document[key], str(key)), str(key))
    return Batch("sumo", rows, about, _cut(document.get(keys.get("numrawresults", "")), len(rows)))


def _cut(results: Any, number: int) -> tuple[str, ...]:
    text = str(results or "").strip()
    if text.isdecimal() and int(text) > number:
        return (f"the alert holds {number} of the {int(text)} results it speaks of: the rest is not known here",)
    return ()


def _splunk(document: Mapping[str, Any]) -> Batch | None:
    """Splunk's alert webhook, or the payload of an alert action; a ``results_file`` is read by ``alerts`` alone."""
    if "search_name" not in document and "results_link" not in document and "sid" not in document:
        return None
    rows = document.get("results", document.get("result"))
    if rows in (None, {}, [], "") and "results_file" in document:
        raise ConfigError(
            "results_file: a file of the sender's machine is never read here: send its rows, or give the "
            "payload to `botnet-playbook alerts` on that machine"
        )
    if rows is None:
        return None
    notes = () if "results" in document else ("Splunk's webhook carries the first result only",)
    return Batch("splunk", _rows([rows] if isinstance(rows, Mapping) else rows, "result"), about_of(document), notes)


def _elastic(document: Mapping[str, Any]) -> Batch | None:
    """Alerts of Elastic: a search answer, or a rule's ``alerts`` (its context), each a document in ECS."""
    hits = document.get("hits")
    if isinstance(hits, Mapping) or (
        isinstance(hits, list) and any("_source" in one for one in hits if isinstance(one, Mapping))
    ):
        inner = hits.get("hits", ()) if isinstance(hits, Mapping) else hits
        rows = tuple(one.get("_source", one) for one in _rows(inner, "hits"))
        return Batch("elastic", _rows(list(rows), "hits"), about_of(document))
    if isinstance(document.get("alerts"), list) and document["alerts"]:
        return Batch("elastic", _rows(document["alerts"], "alerts"), about_of(document))
    return None


def _sentinel(document: Mapping[str, Any]) -> Batch | None:
    """An incident or alert of Microsoft Sentinel: its custom details, else its entities."""
    outer = document.get("object", document)
    properties = outer.get("properties", outer) if isinstance(outer, Mapping) else {}
    if not isinstance(properties, Mapping):
        return None
    inner = properties.get("alerts")
    alerts = (
        [one.get("properties", one) for one in inner if isinstance(one, Mapping)]
        if isinstance(inner, list)
        else [properties]
    )
    if (
        not any(
            _details(one) is not None or "Entities" in one or "entities" in one
            for one in alerts
            if isinstance(one, Mapping)
        )
        and "relatedEntities" not in properties
    ):
        return None
    rows = [row for one in alerts if isinstance(one, Mapping) for row in _of_sentinel(one)]
    entities = properties.get("relatedEntities")
    if not rows and isinstance(entities, list):
        rows = [_of_entities(entities)]
    if not rows:
        raise ConfigError("the Sentinel alert names no addresses: add custom details or IP entities to its rule")
    return Batch("sentinel", tuple(rows), about_of(properties))


def _of_sentinel(alert: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = _details(alert)
    if details:
        lists = {key: value if isinstance(value, list) else [value] for key, value in details.items()}
        number = max((len(value) for value in lists.values()), default=0)
        return [
            {key: value[n] if len(value) == number else value[0] for key, value in lists.items() if value}
            for n in range(min(number, MOST_ROWS + 1))
        ]
    entities = _from_text(alert.get("Entities", alert.get("entities", [])), "Entities")
    return [_of_entities(entities)] if isinstance(entities, list) and entities else []


def _details(alert: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The custom details of an alert: an object, or the text of one, in one of three places."""
    places: list[Any] = [alert]
    for name in ("ExtendedProperties", "extendedProperties", "additionalData"):
        place = alert.get(name)
        places.append(_from_text(place, name) if isinstance(place, str) and place else place)
    for place in places:
        if isinstance(place, Mapping):
            for key, value in place.items():
                if _bare(key) == "customdetails":
                    details = _from_text(value, str(key))
                    return details if isinstance(details, Mapping) else None
    return None


def _of_entities(entities: Sequence[Any]) -> dict[str, Any]:
    """A row of the entities: the first address is the source, the next one the destination, in the sender's order."""
    row: dict[str, Any] = {}
    addresses = []
    for one in entities:
        if not isinstance(one, Mapping):
            continue
        inner = one.get("properties", one)
        kind = str(one.get("Type", one.get("kind", one.get("type", "")))).lower()
        if kind == "ip" and isinstance(inner, Mapping):
            addresses.append(inner.get("Address", inner.get("address")))
        elif kind == "host" and isinstance(inner, Mapping):
            row.setdefault("hostname", inner.get("HostName", inner.get("hostName")))
    row |= dict(zip(("src_ip", "dst_ip"), addresses, strict=False))
    return row


_SENDERS: tuple[Callable[[Mapping[str, Any]], Batch | None], ...] = (_sumo, _sentinel, _elastic, _splunk)


def _rows(value: Any, where: str) -> tuple[Mapping[str, Any], ...]:
    """An array as rows; what is no object stays, so that it is named as a bad row and the others are taken."""
    if isinstance(value, Mapping):
        return (value,)
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: expected an array of rows, not {_kind(value)}")
    return tuple(value)


def _from_text(value: Any, where: str) -> Any:
    """A value that may stand as the text of its JSON."""
    if not isinstance(value, str):
        return value
    try:
        return _loaded(value or "[]")
    except ValueError as fault:
        raise ConfigError(f"{where}: the text is no JSON: {fault}") from None


def _at(document: Any, path: str) -> Any:
    """What lies at a dotted path; ConfigError names the part that is missing."""
    value = document
    for part in path.split("."):
        if isinstance(value, str):
            value = _from_text(value, path)
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, Mapping) and part in value:
            value = value[part]
        else:
            raise ConfigError(f"{path}: the alert has no {part!r} there")
    return _from_text(value, path)


def _bare(key: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", str(key).lower())


def _kind(value: Any) -> str:
    return {str: "text", bool: "a boolean", type(None): "null"}.get(type(value), "a number")


def _depth(value: Any, left: int = _MOST_DEPTH + 1) -> int:
    """How deep a value is nested, counted no further than the most that is taken."""
    if left == 0 or not isinstance(value, list | Mapping):
        return 0
    inner = value.values() if isinstance(value, Mapping) else value
    return 1 + max((_depth(one, left - 1) for one in inner), default=0)

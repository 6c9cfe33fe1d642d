"""The beaconing detection, its hunts and its follow-up questions in ClickHouse SQL, over tables of several shapes."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from playbook.detections.beaconing import Profile
from playbook.detections.hunts import HUNTS
from playbook.detections.languages.clickhouse import aggregation, follow_up, hunts, paste
from playbook.detections.languages.clickhouse.escaping import Unquotable
from playbook.detections.languages.clickhouse.follow_up import tuple_key
from playbook.detections.languages.clickhouse.presets import PRESETS
from playbook.detections.languages.clickhouse.relation import (
    FETCH_BOUNDS,
    PASTE_BOUNDS,
    columns_of,
    connections,
    sessions,
    start_of,
    table_of,
)
from playbook.model.address import Network

__all__ = (
    "PRESETS",
    "Unquotable",
    "activity",
    "conversations",
    "detection",
    "heartbeat",
    "outside_addresses",
    "popularity",
    "probe",
    "query",
    "traffic",
    "tuple_key",
)

SOURCE_KIND = "clickhouse"
Purpose = Literal["paste", "fetch"]
Fields = Mapping[str, str] | None
NO_LIMITS: Mapping[str, int] = MappingProxyType({})

# What every text may hold of the caller's: ``preset``, ``scope`` (the table, where it is not the preset's own) and
# ``fields`` (column of ours -> column of the table, "" = it has none). Each raises KeyError for an unknown preset and
# Unquotable for a name that cannot be used; each reads the rows between {start:Float64} and {end:Float64}.


def detection(
    preset: str = "zeek",
    scope: str = "",
    fields: Fields = None,
    profile: Profile = "default",
    lab: Sequence[Network] = (),
) -> str:
    """The query whose rows are the tuples that could fire; no score in it, and no average."""
    prologue = _rows(profile)(PRESETS[preset], scope, fields)
    return f"{prologue}\n{aggregation.aggregated(profile, lab)}\n{_ORDER}"


def traffic(
    keys: Sequence[str],
    preset: str = "zeek",
    scope: str = "",
    fields: Fields = None,
    since: Mapping[str, int] = NO_LIMITS,
    step_s: int = 1,
) -> str:
    """The start times of the tuples in ``keys`` (see ``tuple_key``), one row per ``step_s`` seconds of each.

    ``since`` leaves out what began before an epoch second, by key.
    """
    return f"{sessions(PRESETS[preset], scope, fields)}\n{follow_up.starts(keys, since, step_s)}"


def popularity(
    destinations: Sequence[str], home: Sequence[Network], preset: str = "zeek", scope: str = "", fields: Fields = None
) -> str:
    """How many of our hosts sent anything, and how many used each of these destinations."""
    return f"{connections(PRESETS[preset], scope, fields)}\n{follow_up.users(destinations, home)}"


def activity(
    keys: Sequence[str], lab: Sequence[Network], preset: str = "zeek", scope: str = "", fields: Fields = None
) -> str:
    """The busy quarters of an hour of the sources in ``keys``, and each of these tuples in each."""
    return f"{connections(PRESETS[preset], scope, fields)}\n{follow_up.quarters(keys, lab)}"


def conversations(keys: Sequence[str], preset: str = "zeek", scope: str = "", fields: Fields = None) -> str:
    """What the connections of each tuple in ``keys`` were: attempts, answers, conversations, the longest."""
    return f"{sessions(PRESETS[preset], scope, fields)}\n{follow_up.conversations(keys)}"


def outside_addresses(
    sources: Sequence[str], lab: Sequence[Network], preset: str = "zeek", scope: str = "", fields: Fields = None
) -> str:
    """How many distinct outside addresses each of these sources called."""
    return f"{connections(PRESETS[preset], scope, fields)}\n{follow_up.outside_addresses(sources, lab)}"


def heartbeat(preset: str = "zeek", scope: str = "", fields: Fields = None) -> str:
    """The cheap count: one row per UTC hour with the rows of the table, whatever is in them.

    ``unusable`` are those without a port, which no other text reads.
    """
    chosen = PRESETS[preset]
    at = columns_of(chosen, fields)
    begun = start_of(at["time"], chosen.unit)
    return f"""\
SELECT toInt64(floor(began / 3600)) AS hour, count() AS row_count, toInt64(floor(min(began) * 1000)) AS oldest_ms,
  toInt64(floor(max(began) * 1000)) AS newest_ms, countIf(isNull(port)) AS unusable
FROM (
  SELECT assumeNotNull({begun}) AS began, accurateCastOrNull({at["dst_port"]}, 'UInt16') AS port
  FROM {table_of(chosen, scope)} AS raw
  WHERE {begun} >= {FETCH_BOUNDS[0]} AND {begun} < {FETCH_BOUNDS[1]}
)
GROUP BY hour"""


def probe(preset: str = "zeek", scope: str = "", fields: Fields = None) -> str:
    """One row of the table as a connection: proves its name, its columns and their types."""
    return f"{connections(PRESETS[preset], scope, fields)}\nSELECT * FROM connections LIMIT 1"


def query(
    preset: str = "zeek",
    hunt: str | None = None,
    purpose: Purpose = "paste",
    profile: Profile = "default",
    scope: str = "",
    fields: Fields = None,
    lab: Sequence[Network] = (),
) -> str:
    """The text that ``query clickhouse`` prints: the detection, or one of the hunts.

    ``purpose`` paste: with the seed's columns and score, over the last day; fetch: what the connector sends.
    """
    chosen = PRESETS[preset]
    if hunt is not None:
        return hunts.hunted(HUNTS[hunt], chosen, scope, fields)
    if purpose == "fetch":
        return detection(preset, scope, fields, profile, lab)
    prologue = _rows(profile)(chosen, scope, fields, PASTE_BOUNDS)
    return paste.pasted(prologue, aggregation.aggregated(profile, lab), profile, chosen.caveat)


_ORDER = "ORDER BY connections DESC, hostname, src_ip, dst_ip, dst_port"


def _rows(profile: Profile) -> Callable[..., str]:
    """Each session counts once, in the seed each row."""
    return connections if profile == "seed" else sessions


# What is proven of the texts, for the table in manifests/queries: rendered, read by, equal by.
PROOF: Mapping[str, tuple[str, str, str]] = {
    "beaconing": (
        "yes: canonical, zeek, zeek-flat, rita, ocsf; own columns",
        "engine",
        "engine (chdb), all six (`tests/interpreters/test_clickhouse.py`)",
    ),
    "floods and scans, users, conversations": (
        "asked by the connector: the same",
        "engine",
        "engine, against the log connector over the same rows",
    ),
    "ddos-burst": ("yes: the same", "engine", "engine"),
    "dga-burst": (
        "yes: zeek, zeek-flat, rita",
        "engine",
        "engine: zeek; two labels, or three under `co.uk` and its like",
    ),
    "irc": ("yes: the same", "engine", "engine"),
}

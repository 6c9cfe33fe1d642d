"""What a ClickHouse table tells beyond other SIEMs: conversations by tuple, and outside addresses by host."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from connectors.sources._siem.coverage import Key, Read, key_of
from connectors.sources.clickhouse import mapping
from connectors.sources.clickhouse.client import Answer
from connectors.sources.clickhouse.mapping import Conversations
from playbook.detections.languages import clickhouse
from playbook.errors import ConnectorError
from playbook.model import address
from playbook.model.address import Network
from playbook.model.detection import Detection
from playbook.model.traffic import Traffic

_KEYS_PER_QUERY = 200
Place = tuple[str, str, Mapping[str, str]]
Run = Callable[[str], Answer]
R = TypeVar("R")


class _Answers(NamedTuple):
    """What was answered, by tuple and by source, and what was not."""

    tuples: dict[Key, Conversations]
    addresses: dict[str, int]
    unknown: list[str]


def with_exchanges(
    known: Traffic, detections: Sequence[Detection], place: Place, lab: Sequence[Network], run: Run
) -> Traffic:
    """``known`` with what two more queries per 200 tuples tell; one that fails leaves only its own unknown."""
    plain = [d for d in detections if address.parse(d.src_ip) is not None and address.parse(d.dst_ip) is not None]
    told = _Answers({}, {}, [])
    for first in range(0, len(plain), _KEYS_PER_QUERY):
        batch = plain[first : first + _KEYS_PER_QUERY]
        keys = tuple(dict.fromkeys(clickhouse.tuple_key(d.src_ip, d.dst_ip, d.dst_port) for d in batch))
        sources = tuple(dict.fromkeys(d.src_ip for d in batch))
        what = f"conversations of {len(batch)} detections"
        asked = clickhouse.conversations(keys, *place)
        told.tuples.update(_asked(asked, run, mapping.conversations, what, told.unknown))
        what = f"outside addresses of {len(sources)} hosts"
        counts = _asked(clickhouse.outside_addresses(sources, lab, *place), run, mapping.addresses, what, told.unknown)
        told.addresses.update({**(dict.fromkeys(sources, 0) if counts else {}), **dict(counts)})
    return _merged(known, detections, told)


def _asked(
    text: str, run: Run, reader: Callable[[Sequence[Mapping[str, object]]], Read[R]], what: str, unknown: list[str]
) -> tuple[R, ...]:
    try:
        answer = run(text)
    except ConnectorError as fault:
        unknown.append(f"{what} are unknown: {fault}")
        return ()
    read = reader(answer.rows)
    if answer.truncated or read.rejected:
        why = answer.truncated or f"{read.rejected} rows could not be read: {'; '.join(read.examples)}"
        unknown.append(f"{what} are unknown: {why}")
        return ()
    return read.values


def _merged(known: Traffic, detections: Sequence[Detection], told: _Answers) -> Traffic:
    own = {d.detection_id: told.tuples[key_of(d)] for d in detections if key_of(d) in told.tuples}
    tuples = tuple(
        one.model_copy(update=own[one.detection_id].model_dump()) if one.detection_id in own else one
        for one in known.tuples
    )
    hosts = tuple(host.model_copy(update={"distinct_outside": told.addresses.get(host.src_ip)}) for host in known.hosts)
    return known.model_copy(update={"tuples": tuples, "hosts": hosts, "unknown": (*known.unknown, *told.unknown)})

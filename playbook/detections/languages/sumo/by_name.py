"""by_name in Sumo Logic's query language, over rows that carry the name of their destination."""

from collections.abc import Mapping, Sequence

from playbook.detections.beaconing import MIN_CONNECTIONS, MIN_HOURS
from playbook.detections.by_name import LEAST_ADDRESSES, NAME
from playbook.detections.languages.sumo import ADDRESSES, COUNTED, HOUR_MS, NOT_ICMP, PROTO, escaping, paste, prelude
from playbook.detections.languages.sumo.presets import PRESETS
from playbook.detections.layout import Part, laid_out
from playbook.model.address import Network

_KEY = "hostname, src_ip, dst_name, dst_port"
_SUMMED = ("rows", "conns", "sent_known", "rcvd_known", "total_known", "sent", "rcvd", "total")
_TEXTS = ("processes", "protos", "services")
_NAMED = (
    'concat(dst_name, "") as dst_name',
    "toLowerCase(dst_name) as dst_name",
    "where dst_name matches /[a-z]/ and !(dst_name matches /:/)",
)


def _per_hour() -> tuple[str, ...]:
    """Address by address in each hour, then each hour, then all hours.

    A name has two addresses when an hour has two, or when not all hours have the same list: count_distinct is exact
    for few values only.
    """
    sums = {"sent": "bytes_sent", "rcvd": "bytes_rcvd", "total": "bytes_total", "rows": ""}
    first = ", ".join(
        f"sum({sums.get(name, name)}) as pool_{name}" if sums.get(name, name) else f"count as pool_{name}"
        for name in _SUMMED
    )
    names = {"processes": "process_name", "protos": "proto", "services": "service"}
    hour = ", ".join(f"sum(pool_{name}) as hour_{name}" for name in _SUMMED)
    totals = (
        "sum(hour_conns) as connections, sum(hour_rows) as row_count, sum(hour_sent_known) as sent_known,"
        " sum(hour_rcvd_known) as rcvd_known, sum(hour_total_known) as total_known, sum(hour_sent) as total_bytes_sent,"
        " sum(hour_rcvd) as total_bytes_rcvd, sum(hour_total) as total_bytes"
    )
    texts = [", ".join(f"values({level[name]}) as {after}{name}" for name in _TEXTS) for level, after in (
        (names, "pool_"), ({n: f"pool_{n}" for n in _TEXTS}, "hour_"), ({n: f"hour_{n}" for n in _TEXTS}, ""),
    )]  # fmt: skip
    return (
        'concat(process_name, "") as process_name',
        'concat(service, "") as service',
        f"floor(start_ms / {HOUR_MS}) as hour",
        f"{first}, min(start_ms) as pool_first, max(start_ms) as pool_last, {texts[0]} by hour, {_KEY}, dst_ip",
        f"{hour}, count as hour_addresses, values(dst_ip) as hour_destinations, min(pool_first) as hour_first,"
        f" max(pool_last) as hour_last, {texts[1]} by hour, {_KEY}",
        f"{totals}, count as hourly_buckets, max(hour_addresses) as most_addresses,"
        " count_distinct(hour_destinations) as lists, values(hour_destinations) as destinations,"
        f" min(hour_first) as first_ms, max(hour_last) as last_ms, {texts[2]} by {_KEY}",
        f"where most_addresses >= {LEAST_ADDRESSES} or lists >= {LEAST_ADDRESSES}",
        f"where connections >= {MIN_CONNECTIONS} and hourly_buckets >= {MIN_HOURS}",
        "toLong(first_ms) as first_ms",
        "toLong(last_ms) as last_ms",
    )


def query(
    preset: str = "seed", scope: str = "", fields: Mapping[str, str] | None = None, lab: Sequence[Network] = ()
) -> str:
    """The text that ``query sumo --rule by_name`` prints; KeyError for an unknown preset.

    ValueError where the rows carry no name of the destination: ``fields`` must map ``dst_name``.
    """
    chosen, theirs = PRESETS[preset], (fields or {}).get("dst_name", "")
    if not theirs:
        raise ValueError(
            f"{NAME} needs the field dst_name (TLS server name or HTTP host of each connection), which preset {preset} "
            'does not have: map it by fields = { dst_name = "..." } of the [sources.NAME]'
        )
    return laid_out(
        (
            Part(
                f"{NAME}: a beacon to one name behind at least {LEAST_ADDRESSES} addresses, preset {preset}. Save it"
                f" with a range of 24 hours that ends 15 minutes ago. {chosen.caveat}".strip(),
                (*prelude(chosen, scope, fields), f"{escaping.field(theirs)} as dst_name"),
            ),
            Part(
                "Destinations outside that have a name (a bare address is none), whole numbers.",
                (*ADDRESSES, *_NAMED, *paste.outside("default", lab), *PROTO, *NOT_ICMP, *COUNTED),
            ),
            Part("Per UTC hour, name and address, then per name, from 20 connections in 3 hours on.", _per_hour()),
            Part(
                "The score, in whole numbers, so that no rounding decides. Where a row does not tell its bytes, the"
                " branch for small connections does not hold.",
                paste.scored("default"),
            ),
            Part("The columns, times in UTC.", paste.shown("default", "dst_name", ("destinations",))),
        ),
        paste.comment,
    )

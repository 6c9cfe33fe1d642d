"""long_connection in Sumo Logic's query language, over rows that carry the length of their connection."""

from collections.abc import Mapping, Sequence

from playbook.detections.beaconing import IRC_PORTS
from playbook.detections.languages.sumo import ADDRESSES, COUNTED, HOUR_MS, PROTO, escaping, paste, prelude
from playbook.detections.languages.sumo.presets import PRESETS
from playbook.detections.layout import Part, laid_out
from playbook.detections.long_connection import LONG_S, NAME, UNUSUAL_S, USUAL_PORTS
from playbook.model.address import Network

_KEY = "hostname, src_ip, dst_ip, dst_port"


def query(
    preset: str = "seed", scope: str = "", fields: Mapping[str, str] | None = None, lab: Sequence[Network] = ()
) -> str:
    """The text that ``query sumo --rule long_connection`` prints; KeyError for an unknown preset.

    ValueError where the rows carry no length: ``fields`` must map ``duration`` (seconds).
    """
    chosen, theirs = PRESETS[preset], (fields or {}).get("duration", "")
    if not theirs:
        raise ValueError(
            f"{NAME} needs the field duration (seconds of each connection), which preset {preset} does not have: map "
            'it by fields = { duration = "..." } of the [sources.NAME]'
        )
    return laid_out(
        (
            Part(
                f"{NAME}: a TCP connection of {LONG_S // 3600} hours or more, of {UNUSUAL_S // 3600} on a port that is"
                f" not in the list of usual ones, preset {preset}. Save it with a range of 7 days."
                " A connection that the log cuts into several rows counts by its longest row."
                f" {chosen.caveat}".strip(),
                (*prelude(chosen, scope, fields), f"{escaping.field(theirs)} as length_s"),
            ),
            Part(
                "TCP to destinations outside, one text a value, whole numbers.",
                (*ADDRESSES, *paste.outside("default", lab), *PROTO, 'where proto in ("tcp", "6")', *COUNTED),
            ),
            Part("Per tuple; the hours from the first start to the last end.", _counted()),
            Part("The columns, times in UTC.", paste.shown("default", beside=("longest_s",))),
        ),
        paste.comment,
    )


def _counted() -> tuple[str, ...]:
    usual, irc = (", ".join(escaping.literal(str(p)) for p in sorted(ports)) for ports in (USUAL_PORTS, IRC_PORTS))
    return (
        'concat(length_s, "") as length_s',
        r'if(length_s matches /^[0-9]+(\.[0-9]+)?$/, length_s, "0") as length_s',
        "num(length_s) as length_s",
        "where (sent_known = 0 or bytes_sent > 0) and (rcvd_known = 0 or bytes_rcvd > 0)",
        f"if(dst_port in ({usual}), {LONG_S}, {UNUSUAL_S}) as least_s",
        "where length_s >= least_s",
        "start_ms + length_s * 1000 as end_ms",
        'concat(process_name, "") as process_name',
        "sum(conns) as connections, count as row_count, sum(sent_known) as sent_known, sum(rcvd_known) as rcvd_known,"
        " sum(bytes_sent) as total_bytes_sent, sum(bytes_rcvd) as total_bytes_rcvd, sum(bytes_total) as total_bytes,"
        " min(start_ms) as first_ms, max(end_ms) as last_ms, max(length_s) as longest_s,"
        f" values(process_name) as processes by {_KEY}",
        f"floor(last_ms / {HOUR_MS}) - floor(first_ms / {HOUR_MS}) + 1 as hourly_buckets",
        "if(sent_known = row_count and rcvd_known = row_count, 1, 0) as bytes_known",
        f"if(dst_port in ({irc}), 1, 0) as irc_port",
        "0 as beaconing_score",
        "toLong(first_ms) as first_ms",
        "toLong(last_ms) as last_ms",
    )

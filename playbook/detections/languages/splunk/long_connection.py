"""long_connection in Splunk's search language, over events that carry the length of their connection."""

from collections.abc import Mapping, Sequence

from playbook.detections.beaconing import IRC_PORTS
from playbook.detections.languages.splunk import paste
from playbook.detections.languages.splunk.presets import PRESETS
from playbook.detections.languages.splunk.prologue import KEY, first_of, prelude
from playbook.detections.layout import Part, laid_out
from playbook.detections.long_connection import LONG_S, NAME, UNUSUAL_S, USUAL_PORTS
from playbook.model.address import Network

# The field of the Common Information Model; its unit is seconds.
_CIM = "duration"
_WITHOUT = ("sysmon",)


def query(
    preset: str = "cim", scope: str = "", fields: Mapping[str, str] | None = None, lab: Sequence[Network] = ()
) -> str:
    """The text that ``query splunk --rule long_connection`` prints; KeyError for an unknown preset.

    ValueError where the rows carry no length: ``fields`` must map ``duration`` (seconds).
    """
    chosen, theirs = PRESETS[preset], (fields or {}).get("duration", "")
    if chosen.modelled or (preset in _WITHOUT and not theirs):
        raise ValueError(
            f"{NAME} needs the field duration (seconds of each connection), which preset {preset} does not have: use "
            'the preset cim, or map it by fields = { duration = "..." } of the [sources.NAME]'
        )
    seconds = first_of((theirs or _CIM,), "^[0-9]{1,9}([.][0-9]+)?$")
    slots = (*prelude(chosen, scope, fields), f"eval length_s={seconds}", "where isnotnull(length_s)")
    return laid_out(
        (
            Part(
                f"{NAME}: a TCP connection of {LONG_S // 3600} hours or more, of {UNUSUAL_S // 3600} on a port that is"
                f" not in the list of usual ones, preset {preset}. Save it with a range of 7 days."
                " A connection that the log cuts into several rows counts by its longest row."
                f" {chosen.caveat}".strip(),
                slots,
            ),
            Part("Destinations that are globally routable.", paste.outside("default", lab)),
            Part("Per tuple; the hours from the first start to the last end.", _counted()),
            Part(
                "The columns; times in UTC, whatever the zone of the user.",
                paste.shown("default", beside=" longest_s"),
            ),
        ),
        paste.comment,
    )


def _counted() -> tuple[str, ...]:
    usual, irc = (", ".join(map(str, sorted(ports))) for ports in (USUAL_PORTS, IRC_PORTS))
    return (
        'eval length_s=tonumber(length_s), is_tcp=if(in(proto, "tcp", "6"), 1, 0)',
        "where is_tcp=1 AND denied=0",
        "where (slot_sent_known=0 OR slot_sent>0) AND (slot_rcvd_known=0 OR slot_rcvd>0)",
        f"where length_s>=if(in(dst_port, {usual}), {LONG_S}, {UNUSUAL_S})",
        "eval slot_end=slot_first+length_s",
        "stats sum(slot_conns) AS connections sum(slot_rows) AS row_count sum(slot_sent_known) AS sent_known"
        " sum(slot_rcvd_known) AS rcvd_known sum(slot_total_known) AS total_known sum(slot_sent) AS total_bytes_sent"
        " sum(slot_rcvd) AS total_bytes_rcvd sum(slot_total) AS total_bytes min(slot_first) AS any_first"
        " max(slot_end) AS any_last max(length_s) AS longest_s values(process_name) AS processes"
        f" BY {KEY}",
        "eval attempts=connections, denied=0, beaconing_score=0, counted_first=any_first, counted_last=any_last,"
        f" irc_port=if(in(dst_port, {irc}), 1, 0), hourly_buckets=floor(any_last/3600)-floor(any_first/3600)+1,"
        " bytes_known=if(sent_known=row_count AND rcvd_known=row_count, 1, 0)",
    )

"""The hunts in Kusto's language: exact counts, because dcount() is an estimate."""

from playbook.detections.hunts import SCAN_PORTS, SCAN_SHARE, Hunt
from playbook.detections.languages.kql.presets import KqlPreset

_SECOND_LEVEL = "[.](ac|co|com|edu|gov|net|org)[.][a-z]{2}$"


def stages(wanted: Hunt, chosen: KqlPreset) -> tuple[str, ...]:
    """The stages of a hunt over the table of a preset."""
    group = wanted.endpoint_group if chosen.endpoint else wanted.group
    by = (*((f"window_start = bin(start, {wanted.window_s // 60}m)",) if wanted.window_s else ()), *group)
    names = (*(("window_start",) if wanted.window_s else ()), *group)
    return _names(wanted, chosen, by, names) if wanted.kind == "dns" else _connections(wanted, chosen, by, names)


def _connections(wanted: Hunt, chosen: KqlPreset, by: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Ports first, then rows: dcount() is an estimate."""
    return (
        *chosen.stages,
        *((f"where dst_port in ({', '.join(map(str, wanted.ports))})",) if wanted.ports else ()),
        "summarize port_conns = sum(conns), port_first = min(start), port_last = max(start) by "
        + ", ".join(dict.fromkeys((*by, "dst_port"))),
        "summarize connections = sum(port_conns), unique_ports = count(), first_seen = min(port_first),"
        f" last_seen = max(port_last) by {', '.join(names)}",
        f"where connections > {wanted.more_than}",
        *(
            (f"extend scan_indicator = unique_ports > {SCAN_PORTS} or unique_ports > {SCAN_SHARE} * connections",)
            if wanted.window_s
            else ()
        ),
        "order by connections desc",
    )


def _names(wanted: Hunt, chosen: KqlPreset, by: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    shown = ", ".join(names)
    return (
        *chosen.names,
        "extend asked = trim_end(@'[.]', asked)",
        'where isnotempty(asked) and not(asked endswith ".arpa")',
        # A name failed when every answer failed; a name asked for a thousand times is one name.
        "summarize answered = countif(not(failed)), oldest = min(start), newest = max(start) by "
        + ", ".join((*by, "asked")),
        "extend failed = answered == 0",
        # Two labels, or three under a country's second level: an approximation of the public suffix list.
        "extend labels = split(asked, '.')",
        f"extend wide = iff(asked matches regex @'{_SECOND_LEVEL}', 3, 2)",
        "extend domain = strcat_array(array_slice(labels, -wide, -1), '.')",
        f"summarize domain_names = count(), domain_failed = countif(failed), oldest = min(oldest), newest = max(newest)"
        f" by {shown}, domain",
        "summarize names = sum(domain_names), failed_names = sum(domain_failed), domains = count(),"
        f" failed_domains = countif(domain_failed > 0), first_seen = min(oldest), last_seen = max(newest) by {shown}",
        f"where failed_domains >= {wanted.failed_domains}"
        f" and failed_names * 100 >= names * {round(wanted.failed_share * 100)}",
        "order by failed_domains desc",
    )

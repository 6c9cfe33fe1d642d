"""The hunts in Splunk's search language: over flows by source and destination, over Sysmon by host and process."""

from collections.abc import Mapping

from playbook.detections.hunts import HUNTS, SCAN_PORTS, SCAN_SHARE, Hunt
from playbook.detections.languages.splunk.presets import SplunkPreset
from playbook.detections.languages.splunk.prologue import ABSENT, first_of, prelude, start_of

# Two labels, or three under a country's second level (co.uk): an approximation of the public suffix list, which a
# search does not have.
_SECOND_LEVEL = "[.](ac|co|com|edu|gov|net|org)[.][a-z]{2}$"


def hunt(name: str, preset: SplunkPreset, scope: str = "", fields: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The stages of a hunt; KeyError when the name is unknown or the preset reads no such rows."""
    wanted = HUNTS[name]
    if wanted.kind == "dns":
        if not preset.dns_scope:
            raise KeyError(f"{name}: it counts DNS rows, which the preset {preset.name} does not read")
        return _names(wanted, preset)
    return _connections(wanted, preset, scope, fields)


def _group(wanted: Hunt, preset: SplunkPreset) -> str:
    return " ".join(wanted.endpoint_group if preset.endpoint else wanted.group)


def _connections(wanted: Hunt, preset: SplunkPreset, scope: str, fields: Mapping[str, str] | None) -> tuple[str, ...]:
    ports = ", ".join(map(str, wanted.ports))
    narrowed = (f"where in(dst_port, {ports})",) if ports else ()
    sliced = (f"eval window_start=floor(slot_first/{wanted.window_s})*{wanted.window_s}",) if wanted.window_s else ()
    by = f"{'window_start ' if sliced else ''}{_group(wanted, preset)}"
    return (
        *prelude(preset, scope, fields, scored=False),
        *_process(preset),
        *narrowed,
        *sliced,
        "stats sum(slot_conns) AS connections dc(dst_port) AS unique_ports min(slot_first) AS first_s"
        f" max(slot_last) AS last_s BY {by}",
        f"where connections>{wanted.more_than}",
        *((_SCAN,) if wanted.window_s else ()),
        "eval first_ms=round(first_s*1000, 0), last_ms=round(last_s*1000, 0)",
        "sort 0 -connections",
        f"table {by} connections unique_ports {'scan_indicator ' if wanted.window_s else ''}first_ms last_ms",
    )


_SCAN = f"eval scan_indicator=if(unique_ports>{SCAN_PORTS} OR unique_ports>connections*{SCAN_SHARE}, 1, 0)"


def _process(preset: SplunkPreset) -> tuple[str, ...]:
    return ('eval process_name=coalesce(process_name, "unknown")',) if preset.endpoint else ()


def _names(wanted: Hunt, preset: SplunkPreset) -> tuple[str, ...]:
    """Names first, so that a name asked for a thousand times is one name; it failed when every answer failed."""
    columns = dict(preset.dns_columns)
    by = f"window_start {_group(wanted, preset)}"
    grouped = wanted.endpoint_group if preset.endpoint else wanted.group
    named = ", ".join(f'{name}=coalesce({first_of(columns[name], "[^ ]")}, "{ABSENT}")' for name in grouped)
    return (
        start_of(preset, preset.dns_scope),
        f"eval asked={first_of(columns['query'], '[^ .]')}, failed={preset.dns_failed}",
        "where isnotnull(asked)",
        f"eval {named}",
        'eval asked=replace(lower(asked), "[.]$", "")',
        'where NOT match(asked, "[.]arpa$")',
        f"eval window_start=floor(_time/{wanted.window_s})*{wanted.window_s}",
        f"stats min(failed) AS failed min(_time) AS first_s max(_time) AS last_s BY {by} asked",
        'eval labels=split(asked, ".")',
        f'eval wide=if(match(asked, "{_SECOND_LEVEL}"), 3, 2)',
        'eval domain=if(mvcount(labels)<=wide, asked, if(wide=3, mvindex(labels, -3).".".mvindex(labels, -2).".".'
        'mvindex(labels, -1), mvindex(labels, -2).".".mvindex(labels, -1)))',
        "eval failed_domain=if(failed=1, domain, null())",
        "stats dc(asked) AS names sum(failed) AS failed_names dc(domain) AS domains dc(failed_domain) AS failed_domains"
        f" min(first_s) AS first_s max(last_s) AS last_s BY {by}",
        f"where failed_domains>={wanted.failed_domains} AND failed_names*100>=names*{round(wanted.failed_share * 100)}",
        "eval first_ms=round(first_s*1000, 0), last_ms=round(last_s*1000, 0)",
        "sort 0 -failed_domains",
        f"table {by} names failed_names domains failed_domains first_ms last_ms",
    )

"""The hunts in Sumo Logic's language: over flows by source and destination, over endpoints by host and process."""

from playbook.detections.hunts import HUNTS, SCAN_PORTS, SCAN_SHARE, Hunt
from playbook.detections.languages.sumo import escaping
from playbook.detections.languages.sumo.presets import PRESETS, SumoPreset

# Cloud SIEM's records of Sysmon and EDR: there device_hostname is the host itself, and the process is known.
_ENDPOINT = SumoPreset(
    name="endpoint",
    scope="_index=sec_record_network",
    stages=("where !isBlank(baseImage)",),
    columns=tuple(
        (name, "device_hostname" if name == "hostname" else expression) for name, expression in PRESETS["cse"].columns
    ),
)
HUNTED: dict[str, SumoPreset] = PRESETS | {"endpoint": _ENDPOINT}
# Names are read from Cloud SIEM's records alone, because it has already taken the registered domain out of them.
_NAMED = ("cse", "endpoint")
_NO_NAME = '"nxdomain", "name error", "3", "9003"'


def hunted(name: str, preset: str) -> tuple[SumoPreset, tuple[str, ...]]:
    """What to search, and the stages after the columns' names; KeyError for an unknown hunt or preset.

    A hunt over names falls back to Cloud SIEM's records.
    """
    wanted = HUNTS[name]
    if wanted.kind == "dns":
        chosen = HUNTED[preset if preset in _NAMED else "cse"]
        return SumoPreset(name=chosen.name, scope=chosen.scope, columns=()), _names(wanted, chosen)
    return HUNTED[preset], _connections(wanted, HUNTED[preset])


def _group(wanted: Hunt, preset: SumoPreset) -> tuple[str, ...]:
    return wanted.endpoint_group if preset.name == "endpoint" else wanted.group


def _connections(wanted: Hunt, preset: SumoPreset) -> tuple[str, ...]:
    """Ports first, then rows: count_distinct() is exact below 100 only."""
    group = (*(("slice",) if wanted.window_s else ()), *_group(wanted, preset))
    by_port = ", ".join(dict.fromkeys((*group, "dst_port")))
    ports = ", ".join(escaping.literal(str(port)) for port in wanted.ports)
    return (
        'concat(process_name, "") as process_name',
        *((f"where dst_port in ({ports})",) if ports else ()),
        *((f"floor(start_ms / {wanted.window_s * 1000}) as slice",) if wanted.window_s else ()),
        f"sum(conns) as port_conns, min(start_ms) as port_first, max(start_ms) as port_last by {by_port}",
        "sum(port_conns) as connections, count as unique_ports, min(port_first) as first_ms, max(port_last) as last_ms"
        f" by {', '.join(group)}",
        f"where connections > {wanted.more_than}",
        *_shown(wanted),
        *(
            (f"if(unique_ports > {SCAN_PORTS} or unique_ports > connections * {SCAN_SHARE}, 1, 0) as scan_indicator",)
            if wanted.window_s
            else ()
        ),
    )


def _shown(wanted: Hunt) -> tuple[str, ...]:
    window = (f"slice * {wanted.window_s} as window_start", "toLong(window_start) as window_start")
    return (*(window if wanted.window_s else ()), "toLong(first_ms) as first_ms", "toLong(last_ms) as last_ms")


def _names(wanted: Hunt, preset: SumoPreset) -> tuple[str, ...]:
    """Names first, so that a name asked for a thousand times is one name; it failed when every answer failed."""
    aliases = {"src_ip": "srcDevice_ip", "hostname": "device_hostname", "process_name": "baseImage"}
    group = ("slice", *_group(wanted, preset))
    by = ", ".join(group)
    return (
        "where !isBlank(dns_query)",
        *(f'concat({aliases[name]}, "") as {name}' for name in group[1:]),
        'concat(dns_query, "") as asked',
        "toLowerCase(asked) as asked",
        'where !(asked matches "*.arpa")',
        'concat(dns_queryDomain_rootDomain, "") as domain',
        "if(isBlank(domain), asked, domain) as domain",
        'concat(dns_returnCode, "") as answered',
        "toLowerCase(answered) as answered",
        f"if(answered in ({_NO_NAME}), 1, 0) as failed",
        f"floor(_messageTime / {wanted.window_s * 1000}) as slice",
        "count as asked_rows, min(failed) as failed, min(_messageTime) as first_ms, max(_messageTime) as last_ms by"
        f" {by}, asked, domain",
        "count as domain_names, sum(failed) as domain_failed, min(first_ms) as first_ms, max(last_ms) as last_ms by"
        f" {by}, domain",
        "if(domain_failed > 0, 1, 0) as failed_domain",
        "sum(domain_names) as names, sum(domain_failed) as failed_names, count as domains, sum(failed_domain) as"
        f" failed_domains, min(first_ms) as first_ms, max(last_ms) as last_ms by {by}",
        f"where failed_domains >= {wanted.failed_domains} and failed_names * 100 >= names *"
        f" {round(wanted.failed_share * 100)}",
        *_shown(wanted),
    )

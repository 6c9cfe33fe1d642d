"""Wrong queries: each is our rendered text with one change that a person could make. The suite must notice all."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """A change of the text of ``preset`` (a Splunk preset, or ``sumo``): every ``old`` becomes ``new``."""

    name: str
    preset: str
    old: str
    new: str


_STATS = "stats sum(slot_conns) AS connections"
_HOUR = "floor(start_ms / 3600000) as hour"

MUTANTS = (
    Mutant("more than 20 connections instead of at least", "cim", "connections>=20", "connections>20"),
    Mutant("19 connections are enough", "cim", "connections>=20", "connections>=19"),
    Mutant("more than 3 hours instead of at least", "cim", "hourly_buckets>=3", "hourly_buckets>3"),
    Mutant("2 hours are enough", "cim", "hourly_buckets>=3", "hourly_buckets>=2"),
    Mutant("either threshold is enough", "cim", "connections>=20 AND", "connections>=20 OR"),
    Mutant("hours of a zone half an hour east", "cim", "floor(slot_first/3600)", "floor((slot_first+1800)/3600)"),
    Mutant("hours of the day instead of hours", "cim", "hour=floor(slot_first/3600)", "hour=tonumber(date_hour)"),
    Mutant("days instead of hours", "cim", "slot_first/3600", "slot_first/86400"),
    Mutant("no host name in the key", "cim", _STATS, f'eval hostname="unknown"\n| {_STATS}'),
    Mutant("no source in the key", "cim", _STATS, f'eval src_ip="10.0.0.31"\n| {_STATS}'),
    Mutant("no destination in the key", "cim", _STATS, f'eval dst_ip="203.0.113.1"\n| {_STATS}'),
    Mutant("no port in the key", "cim", _STATS, f"eval dst_port=6667\n| {_STATS}"),
    Mutant("a key column is not given back", "cim", "BY hostname src_ip", "BY src_ip"),
    Mutant(
        "a null host name in the key",
        "cim",
        '"^(-|unknown|null)?$"), "unknown", hostname)',
        '"^(-|unknown|null)?$"), null(), hostname)',
    ),
    Mutant("the device is the host", "cim", "our_hostname=case(", 'our_hostname=case(match(dvc, "."), dvc, '),
    Mutant("absent bytes are known to be none", "cim", "if(isnull(bytes_sent), 0, 1)", "1"),
    Mutant("absent totals are known to be none", "cim", "slot_total_known=1 OR (", "slot_total_known=0 OR ("),
    Mutant(
        "one known side is a known total",
        "cim",
        "slot_sent_known=1 AND slot_rcvd_known",
        "slot_sent_known=1 OR slot_rcvd_known",
    ),
    Mutant("sent is received", "cim", "sum(slot_sent) AS total_bytes_sent", "sum(slot_rcvd) AS total_bytes_sent"),
    Mutant("denied attempts are connections", "cim", "^(block|blocked|", "^("),
    Mutant("the text drop is no denial", "raw", "|drop|", "|"),
    Mutant(
        "first and last are swapped", "cim", "min(counted_first) AS counted_first", "max(counted_last) AS counted_first"
    ),
    Mutant("times in seconds", "cim", "any_first)*1000, 0)", "any_first), 0)"),
    Mutant(
        "times without their fraction",
        "cim",
        "round(coalesce(counted_first, any_first)*1000, 0)",
        "floor(coalesce(counted_first, any_first))*1000",
    ),
    Mutant("ICMP counts", "cim", '"icmp", ', ""),
    Mutant("172.16/12 is external", "cim", '"172.16.0.0/12"', '"172.16.0.0/16"'),
    Mutant("172/8 is internal", "cim", '"172.16.0.0/12"', '"172.0.0.0/8"'),
    Mutant("both values of a field count", "cim", "mvindex(dest_port, 0)", "dest_port"),
    Mutant("a name is taken for an address", "cim", "our_dst_ip=case(", 'our_dst_ip=case(match(dest, "."), dest, '),
    Mutant("only the first 100 processes", "cim", "values(process_name)", "list(process_name)"),
    Mutant("the application is the process", "cim", "values(process_name) AS", "values(service) AS"),
    Mutant(
        "the end and the start of a session count",
        "raw",
        'match(lower(coalesce(mvindex(log_subtype, 0), "")), "^start$")',
        "isnull(log_subtype) AND isnotnull(log_subtype)",
    ),
    Mutant("Built and Teardown count", "raw", "^(302013|302015|302020)$", "^(302015|302020)$"),
    Mutant("every row of a long Zeek session counts", "raw", '"^[^Ss]+$"', '"^[^SsDd]+$"'),
    Mutant("tstats drops rows with a null key", "tstats", 'fillnull_value="unknown" ', ""),
    Mutant("tstats reads summaries alone", "tstats", "summariesonly=false", "summariesonly=true"),
    Mutant("tstats cuts hours of the user's zone", "tstats", "span=15m", "span=1h"),
    Mutant("tstats forgets the action", "tstats", " All_Traffic.action\n", "\n"),
    Mutant(
        "tstats believes a partly counted total", "tstats", "slot_total_known=slot_rows OR", "slot_total_known>0 OR"
    ),
    Mutant("more than 20 connections", "sumo", "connections >= 20", "connections > 20"),
    Mutant("more than 3 hours", "sumo", "hourly_buckets >= 3", "hourly_buckets > 3"),
    Mutant(
        "hours of a zone half an hour east",
        "sumo",
        "floor(start_ms / 3600000)",
        "floor((start_ms + 1800000) / 3600000)",
    ),
    Mutant("a null host name in the key", "sumo", '| concat(hostname, "") as hostname\n', ""),
    Mutant("no source in the key", "sumo", _HOUR, f'"10.0.0.31" as src_ip\n| {_HOUR}'),
    Mutant("no host name in the key", "sumo", _HOUR, f'"" as hostname\n| {_HOUR}'),
    Mutant("no port in the key", "sumo", _HOUR, f'"6667" as dst_port\n| {_HOUR}'),
    Mutant("absent bytes are known to be none", "sumo", "sent_known + rcvd_known = 2", "sent_known + rcvd_known >= 0"),
    Mutant("the device is the host", "sumo", "srcDevice_hostname as hostname", "device_hostname as hostname"),
    Mutant("ICMP counts", "sumo", '"icmp", ', ""),
    Mutant("the case of the protocol matters", "sumo", "| toLowerCase(proto) as proto\n", ""),
    Mutant("172.31 is external", "sumo", "3[01]", "3[0]"),
    Mutant("sum of rows instead of hours", "sumo", "count as hourly_buckets", "sum(hour_rows) as hourly_buckets"),
)

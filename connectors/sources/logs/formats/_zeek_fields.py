"""Zeek's fields in canonical columns, for both writings of its logs (tab-separated and JSON), by kind of log."""

import re
from collections.abc import Mapping, Sequence

from connectors.sources.logs.schema import CANONICAL, Kind
from playbook.detections.languages._answered import ANSWERED, UNANSWERED
from playbook.model.address import parse

LATEST = 4102444800  # 2100: what a time in a log may be, from 1970 on
LARGEST_COUNT = 10**15
# conn_long.log (zeek-long-connections) and open_conn.log (zeek-open-connections), without their underscore.
_INTERIM = ("connlong", "openconn")
# Refused or never answered: a further row of the 5-tuple is another attempt, not the same session.
_ATTEMPTS = ", ".join(f"'{state}'" for state in (*UNANSWERED, "RSTRH"))

# The rest is read as text: a source port or duration that is no number is unknown and costs no row.
TYPES: Mapping[str, str] = {
    "ts": "DOUBLE",
    "lease_time": "DOUBLE",
    "id.resp_p": "USMALLINT",
    "orig_bytes": "UBIGINT",
    "resp_bytes": "UBIGINT",
    "orig_pkts": "UBIGINT",
    "resp_pkts": "UBIGINT",
    "orig_ip_bytes": "UBIGINT",
    "resp_ip_bytes": "UBIGINT",
}
COUNTERS = ("orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes")

# Fields that only this kind of log has together (Zeek 3 to 7, default scripts).
_SIGNS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("conn", ("id.orig_h", "id.resp_p", "conn_state")),
    ("conn", ("id.orig_h", "id.resp_p", "orig_pkts", "resp_pkts")),
    ("dns", ("id.orig_h", "query", "qtype")),
    ("dns", ("id.orig_h", "query", "answers")),
    ("dns", ("id.orig_h", "query", "qtype_name")),
    ("tls", ("id.orig_h", "id.resp_h", "server_name", "cipher")),
    ("tls", ("id.orig_h", "id.resp_h", "server_name", "version")),
    ("tls", ("id.orig_h", "id.resp_h", "cipher", "established")),
    ("http", ("id.orig_h", "id.resp_h", "host", "uri")),
    ("http", ("id.orig_h", "id.resp_h", "trans_depth", "status_code")),
    ("irc", ("id.orig_h", "id.resp_h", "nick", "command")),
    ("holders", ("mac", "assigned_addr", "host_name")),
    ("holders", ("mac", "assigned_ip", "host_name")),
    ("holders", ("id.orig_h", "hostname", "domainname")),
    ("holders", ("id.orig_h", "client", "request_type")),
)


def kind_of(names: Sequence[str]) -> Kind | None:
    """The kind of log that has these fields (in the writing ``id.orig_h``); None for one that is not read."""
    present = set(names)
    return next((kind for kind, signs in _SIGNS if present.issuperset(signs)), None)


def needed(kind: Kind) -> tuple[str, ...]:
    """The fields a kind of log is read for."""
    flow = ("ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
    return {
        "conn": (*flow, "proto", "service", "duration", *COUNTERS, "conn_state", "history"),
        "dns": ("ts", "id.orig_h", "id.resp_h", "query", "rcode", "rcode_name", "answers"),
        "tls": (*flow, "server_name"),
        "http": (*flow, "host", "method"),
        "irc": flow,
        "holders": ("ts", "id.orig_h", "assigned_addr", "assigned_ip", "host_name", "hostname", "client", "lease_time"),
    }[kind]


def is_interim(path: str, named: str) -> bool:
    """Whether a log holds states of connections that last: by Zeek's own name of it, else by the file's name."""
    words = re.split(r"[^a-z]+", (named or path.replace("\\", "/").rpartition("/")[2]).lower().replace("_", ""))
    return any(word.startswith(_INTERIM) for word in words)


def canonical(kind: Kind, have: Mapping[str, str], source: str, interim: bool = False, aside: bool = False) -> str:
    """SELECT of the kind's columns from ``source``; ``have`` maps Zeek's names to typed SQL.

    A row that cannot be used has a null ``start``. ``interim``: with the column ``uid``;
    ``aside``: with bad, passed, file, line and text of the source.
    """
    at = {name: have.get(name, "NULL") for name in needed(kind)}
    values = _VALUES[kind](at)
    columns = [f"({values[name]})::{sql_type} AS {name}" for name, sql_type in CANONICAL[kind].items()]
    columns += [f"{have.get('uid', 'NULL::VARCHAR')} AS uid"] if interim else []
    columns += ["bad", "passed", "file", "line", "text"] if aside else []
    return f"SELECT {', '.join(columns)} FROM {source}"


def fault(kind: Kind, values: Mapping[str, object]) -> str | None:
    """Why a row cannot be used, from its raw values by Zeek's names (absent ones null); None when it can."""
    for name in _required(kind):
        if values.get(name) in (None, "", "-"):
            return f"{name} is missing"
        if name.endswith("_h") and parse(str(values[name])) is None:
            return f"{name} is no address: {str(values[name])[:60]}"
    for name in (*TYPES, "rcode"):
        text = values.get(name)
        if name in needed(kind) and text not in (None, "", "-") and not _is_number(name, text):
            return f"{name} is not usable: {str(text)[:60]}"
    return None


def _required(kind: Kind) -> tuple[str, ...]:
    fewer = {"dns": ("ts", "id.orig_h"), "holders": ("ts",)}
    return fewer.get(kind, ("ts", "id.orig_h", "id.resp_h", "id.resp_p"))


def _is_number(name: str, text: object) -> bool:
    try:
        number = float(str(text))
    except ValueError:
        return False
    if name.endswith("_p"):
        return 0 <= number <= 65535
    if name == "ts":
        return 0 <= number < LATEST
    return 0 <= number <= LARGEST_COUNT if name in COUNTERS else number == number


def _start(at: Mapping[str, str], *required: str) -> str:
    """The time of a row that can be used. Each fault is asked for rows without the ones before it, nulls pass."""
    faults = [f"NOT ({at['ts']} >= 0 AND {at['ts']} < {LATEST})", *(f"{at[name]} IS NULL" for name in required)]
    faults += [f"{at[name]} > {LARGEST_COUNT}" for name in COUNTERS if at.get(name, "NULL") != "NULL"]
    return f"CASE WHEN {' OR '.join(faults)} THEN NULL ELSE {at['ts']} END"


def _count(counter: str) -> str:
    """What does not fit is past ``LARGEST_COUNT``, so that its row has no ``start``."""
    return f"try_cast({counter} AS BIGINT)"


# The frequent ones first: what a comparison has told needs no further one.
_STATES = " ".join(
    f"WHEN '{state}' THEN {str(state in ANSWERED).lower()}"
    for state in dict.fromkeys(("SF", "S0", "REJ", *ANSWERED, *UNANSWERED))
)


def _conn(at: Mapping[str, str]) -> dict[str, str]:
    """If either IP counter is there, both IP counters, else both payload counters; per row, absent is null."""
    sent, received = (
        _count(
            f"coalesce({at[f'{side}_ip_bytes']}, "
            f"CASE WHEN {at[f'{other}_ip_bytes']} IS NULL THEN {at[f'{side}_bytes']} ELSE 0 END)"
        )
        for side, other in (("orig", "resp"), ("resp", "orig"))
    )
    history, proto, duration = at["history"], at["proto"], f"try_cast({at['duration']} AS DOUBLE)"
    return {
        "start": _start(at, "id.orig_h", "id.resp_h", "id.resp_p"),
        "hostname": "''",
        "process_name": "''",
        "conns": "1",
        "denied": "false",
        "src_ip": at["id.orig_h"],
        "src_port": f"try_cast({at['id.orig_p']} AS USMALLINT)",
        "dst_ip": at["id.resp_h"],
        "dst_port": at["id.resp_p"],
        # Most rows by far, and a comparison costs a fraction of what making a text lower does.
        "proto": f"CASE WHEN {proto} IN ('tcp', 'udp') THEN {proto} ELSE coalesce(lower({proto}), '') END",
        "bytes_sent": sent,
        "bytes_rcvd": received,
        "bytes_total": f"({sent}) + ({received})",
        "orig_bytes": _count(at["orig_ip_bytes"]),
        "sent_packets": _count(at["orig_pkts"]),
        "rcvd_packets": _count(at["resp_pkts"]),
        "service": f"coalesce(lower(nullif({at['service']}, '(empty)')), '')",
        "duration": f"CASE WHEN {duration} >= 0 AND {duration} < {LATEST} THEN {duration} END",
        "answered": f"CASE {at['conn_state']} {_STATES} END",
        # Again most rows by far, those that begin with their session.
        "continues": f"CASE WHEN starts_with({history}, 'S') THEN false ELSE coalesce({proto} = 'tcp' "
        f"AND {history} NOT IN ('', '(empty)') AND NOT contains({history}, 'S') "
        f"AND NOT contains({history}, 's') AND coalesce({at['conn_state']} NOT IN ({_ATTEMPTS}), true), "
        "false) END",
    }


def _dns(at: Mapping[str, str]) -> dict[str, str]:
    failed = f"coalesce({at['rcode_name']} = 'NXDOMAIN', try_cast({at['rcode']} AS INTEGER) = 3)"
    return {
        "start": _start(at, "id.orig_h"),
        "src_ip": at["id.orig_h"],
        "query": f"rtrim(lower({at['query']}), '.')",
        "failed": failed,
        "answers": at["answers"],
        "server": at["id.resp_h"],
        "hostname": "''",
        "process_name": "''",
    }


def _named(field: str, at: Mapping[str, str]) -> dict[str, str]:
    return {
        "start": _start(at, "id.orig_h", "id.resp_h", "id.resp_p"),
        "src_ip": at["id.orig_h"],
        "dst_ip": at["id.resp_h"],
        "dst_port": at["id.resp_p"],
        "name": f"nullif(rtrim(lower({at[field]}), '.'), '(empty)')" if field else "NULL",
    }


def _holders(at: Mapping[str, str]) -> dict[str, str]:
    """DHCP gives the address it leased; NTLM and Kerberos the client that spoke from it (a machine ends in ``$``)."""
    until = f"({at['ts']} + {at['lease_time']})"
    principal = f"split_part({at['client']}, '/', 1)"
    machine = f"CASE WHEN {principal} LIKE '%$' THEN rtrim({principal}, '$') END"
    hostname = f"coalesce({at['host_name']}, {at['hostname']}, {machine})"
    address = f"coalesce({at['assigned_addr']}, {at['assigned_ip']}, {at['id.orig_h']})"
    return {
        "start": _start(at),
        # A lease past every calendar is no known end.
        "until": f"CASE WHEN {until} < {LATEST} THEN {until} END",
        "address": address,
        "hostname": f"coalesce(rtrim(lower(nullif({hostname}, '(empty)')), '.'), '')",
        "written_by": "'host'",
    }


_VALUES = {
    "conn": _conn,
    "dns": _dns,
    "tls": lambda at: _named("server_name", at),
    "http": lambda at: _named("host", at) | {"method": at["method"]},
    "irc": lambda at: _named("", at),
    "holders": _holders,
}

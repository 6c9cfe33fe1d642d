"""Zeek's tab-separated logs: columns by ``#fields``, whatever their order; without a header in Zeek's default order."""

import re
from collections.abc import Sequence

from connectors.sources.logs.formats import _zeek_fields
from connectors.sources.logs.schema import Kind, Recognised, Sample, Scan, literal
from playbook.detections.languages._answered import ANSWERED, UNANSWERED

NAME = "zeek"
# One line is one row, without host, process or denied attempts, its bytes the sum of both sides: the runner may
# aggregate in one pass on the files.
ROWS_ARE_LINES = True
MOST_REJECTS = 200_000  # rows of the rejects table, several a line; the count does not depend on it

_FLOW = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")
DEFAULT_ORDER: dict[Kind, tuple[str, ...]] = {
    "conn": (
        *_FLOW,
        "service",
        "duration",
        "orig_bytes",
        "resp_bytes",
        "conn_state",
        "local_orig",
        "local_resp",
        "missed_bytes",
        "history",
        "orig_pkts",
        "orig_ip_bytes",
        "resp_pkts",
        "resp_ip_bytes",
        "tunnel_parents",
    ),
    "dns": (
        *_FLOW,
        "trans_id",
        "rtt",
        "query",
        "qclass",
        "qclass_name",
        "qtype",
        "qtype_name",
        "rcode",
        "rcode_name",
        "AA",
        "TC",
        "RD",
        "RA",
        "Z",
        "answers",
        "TTLs",
        "rejected",
    ),
}
_STATES = frozenset((*ANSWERED, *UNANSWERED, "RSTRH", "SHR", "OTH"))
_NUMBER = re.compile(r"\d+\.\d+|\d+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]")
_JOINT = "   "  # IoT-23 joins its last three columns by three spaces


SAMPLE = Sample(
    headers=(
        "#separator \\x09",
        "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_b"
        "ytes\tresp_bytes\tconn_state\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes",
    ),
    rows=("$epoch.5\tC$n\t$client\t$port\t45.60.1.1\t443\ttcp\tssl\t1.5\t120\t300\tSF\tShADadFf\t6\t360\t5\t500",),
)


def recognise(head: str, path: str) -> Recognised | tuple[Recognised, ...] | None:
    """A Zeek log by its header or by the first row without one; an empty tuple for a Zeek log that is not read."""
    separator, unset, named, first, path_line = "\t", "-", None, None, ""
    for line in head.lstrip("\ufeff").splitlines():
        bare = line.lstrip("\t ")
        if bare.startswith("#separator"):
            separator = _separator(bare) or separator
        elif bare.startswith("#unset_field"):
            unset = bare.split(separator, 1)[-1] or unset
        elif bare.startswith("#path"):
            path_line = bare.split(separator, 1)[-1].strip()
        elif bare.startswith("#fields"):
            named = tuple(name.strip() for name in bare.split(separator)[1:])
        elif bare and not bare.startswith("#"):
            names = tuple(bare.split(separator))
            if named is None and "ts" in names and "id.orig_h" in names:
                named = names
                continue
            first = line.split(separator)
            break
    if named is None:
        return _without_header(first) if first else None
    if first is not None and _DATE.match(first[0]):
        return None  # the times of zeek-cut -d: zeek_cut.py
    if first is not None and len(first) != len(named):
        named = _fitted(named, len(first))
    kind = _zeek_fields.kind_of([name.split(_JOINT)[0] for name in named])
    options = tuple(pair for pair in (("separator", separator), ("unset", unset)) if pair[1] not in ("\t", "-"))
    options += (("interim", "yes"),) if kind == "conn" and _zeek_fields.is_interim(path, path_line) else ()
    return () if kind is None else Recognised(format=NAME, kind=kind, columns=named, options=options)


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The canonical SELECT of the form's kind straight on the files; headers and bad rows are in ``scan.rejects``."""
    interim = dict(form.options).get("interim") == "yes"
    have, source = _read(form, paths, scan, (*_zeek_fields.needed(form.kind), *(("uid",) if interim else ())))
    if "answers" in have:
        have["answers"] = f"string_split({have['answers']}, ',')"
    return _zeek_fields.canonical(form.kind, have, source, interim)


def uids(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """A SELECT of the identities of the rows, as ``uid``; "" when the log has none."""
    have, source = _read(form, paths, scan.model_copy(update={"rejects": ""}), ("uid",))
    return f"SELECT {have['uid']} AS uid FROM {source}" if "uid" in have else ""


def assumed(head: str) -> tuple[Recognised, ...]:
    """Rows without a header that look like nothing known: a conn.log in Zeek's default order."""
    width = max((line.count("\t") + 1 for line in head.splitlines()[:50] if not line.startswith("#")), default=0)
    names = DEFAULT_ORDER["conn"][: width or None]
    extra = tuple(f"column {place}" for place in range(len(names), width))
    return (
        Recognised(
            format=NAME, kind="conn", columns=names + extra, note="no header: Zeek's default order of conn.log assumed"
        ),
    )


def _read(form: Recognised, paths: Sequence[str], scan: Scan, names: Sequence[str]) -> tuple[dict[str, str], str]:
    """The SQL of each of these fields that the log has, and the source they are in."""
    options = dict(form.options)
    places = {name.split(_JOINT)[0]: place for place, name in reversed(list(enumerate(form.columns)))}
    wanted = [name for name in names if name in places]
    types = {places[name]: _zeek_fields.TYPES.get(name, "VARCHAR") for name in wanted}
    columns = ", ".join(f"'c{place}': '{types.get(place, 'VARCHAR')}'" for place in range(len(form.columns)))
    rejects = ""
    if scan.rejects:
        rejects = f", store_rejects = true, rejects_table = {literal(scan.rejects)}, rejects_limit = {MOST_REJECTS}"
    listed = ", ".join(literal(_plain(path)) for path in paths)
    return {name: f"c{places[name]}" for name in wanted}, (
        f"read_csv([{listed}], delim = {literal(options.get('separator', chr(9)))}, header = false, "
        f"auto_detect = false, nullstr = {literal(options.get('unset', '-'))}, quote = '', escape = '', "
        f"ignore_errors = true{rejects}, columns = {{{columns}}})"
    )


def fault(form: Recognised, line: str) -> str | None:
    """Why this line is no usable row; None when it is one, "" when it is a header or blank."""
    separator = dict(form.options).get("separator", "\t")
    values = line.split(separator)
    if not line.strip() or line.lstrip("\t ").startswith("#") or tuple(values) == form.columns:
        return ""
    if len(values) != len(form.columns):
        return f"{len(values)} columns, expected {len(form.columns)}"
    return _zeek_fields.fault(form.kind, dict(zip((n.split(_JOINT)[0] for n in form.columns), values, strict=True)))


def renamed(form: Recognised, line: str) -> Recognised | tuple[()] | None:
    """What the rows below a header line are when it gives other columns than ``form``; () when they are not read.

    None for any other line. Zeek writes such a line in the middle of a log when its scripts changed.
    """
    line = line.lstrip("\ufeff\t ")
    if not line.startswith("#fields"):
        return None
    separator = dict(form.options).get("separator", "\t")
    names = tuple(part.strip() for name in line.split(separator)[1:] for part in name.split(_JOINT))
    if names == tuple(part.strip() for name in form.columns for part in name.split(_JOINT)):
        return None
    kind = _zeek_fields.kind_of(names)
    return () if kind is None else form.model_copy(update={"kind": kind, "columns": names})


def _separator(line: str) -> str | None:
    found = re.fullmatch(r"#separator \\x([0-9a-fA-F]{2})\s*", line)
    return chr(int(found[1], 16)) if found else None


def _fitted(named: tuple[str, ...], width: int) -> tuple[str, ...]:
    """The header split where it was joined by three spaces, when the rows have as many columns."""
    split = tuple(part for name in named for part in name.split(_JOINT))
    return split if len(split) == width else named


def _without_header(first: Sequence[str]) -> Recognised | None:
    if len(first) < 16 or not _NUMBER.fullmatch(first[0]) or not first[3].isdigit() or not first[5].isdigit():
        return None
    kind: Kind
    if first[11] in _STATES and len(first) >= 20:
        kind = "conn"
    elif first[7].isdigit() and len(first) >= 22:
        kind = "dns"
    else:
        return None
    names = DEFAULT_ORDER[kind][: len(first)]
    extra = tuple(f"column {place}" for place in range(len(names), len(first)))
    note = f"no header: Zeek's default order of {kind}.log assumed"
    return Recognised(format=NAME, kind=kind, columns=names + extra, note=note)


def _plain(path: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)

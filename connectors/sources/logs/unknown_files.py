"""What to say of a file that no format knows: what it looks like, the nearest format, and the cure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType

from connectors.sources.logs.line_sql import header

_SHOWN = 80
_LEAST_ALIKE = 2
# The first bytes of files that a tool turns into a log that is read -> what they are, and the cure.
_BINARY: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd4\xc3\xb2\xa1", "a packet capture", "make a conn.log of it: zeek -r FILE"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture", "make a conn.log of it: zeek -r FILE"),
    (b"\x4d\x3c\xb2\xa1", "a packet capture", "make a conn.log of it: zeek -r FILE"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)", "make a conn.log of it: zeek -r FILE"),
    (b"\x0c\xa5", "a file of nfcapd", "print it: nfdump -r FILE -o csv"),
    (b"\xa5\x0c", "a file of nfcapd", "print it: nfdump -r FILE -o csv"),
    (b"\xde\xad\xbe\xef", "a file of SiLK", "print it: rwcut --no-titles FILE"),
    (b"ElfFile\0", "a Windows event log (EVTX)", "print it: evtx_dump -o jsonl FILE"),
    (b"SQLite format 3", "an SQLite database", "export the connections as CSV"),
    (b"PK\x03\x04", "a ZIP archive", "unpack it: unzip FILE"),
    (b"BZh", "packed by bzip2", "unpack it: bzip2 -dk FILE"),
    (b"\xfd7zXZ\0", "packed by xz", "unpack it: xz -dk FILE"),
    (b"7z\xbc\xaf\x27\x1c", "packed by 7-Zip", "unpack it: 7z x FILE"),
)
_KEY_VALUE = re.compile(r'(?:^|[\s|,])([A-Za-z_][\w.-]{0,40})=(?:"[^"]*"|[^\s,"]+)')


def described(first: bytes, head: str, modules: Mapping[str, ModuleType]) -> str:
    """One clause: what the file holds as far as it can be seen, which format is nearest, and what to do."""
    for magic, what, cure in _BINARY:
        if first.startswith(magic):
            return f"it is {what}; {cure}"
    if "\0" in head[:4096]:
        return "it is binary; give the text that its tool prints"
    names, what = _names(head)
    near = _nearest(names, modules)
    cure = (
        f"nearest is {near[0]} ({', '.join(near[1][:4])}); if it is one, say --format {near[0]}"
        if near
        else "bring it into the columns of --format csv (docs/logs.md)"
    )
    return f"{what}; {cure}"


def _names(head: str) -> tuple[tuple[str, ...], str]:
    """The names of the first rows' fields, and how they are written."""
    first = next((line for line in head.splitlines() if line.strip()), "")
    shown = "".join(c if c.isprintable() else "?" for c in first.strip())[:_SHOWN]
    if first.lstrip().startswith("{"):
        return tuple(_keys(first)), f"JSON that begins {shown}"
    columns = header(first)
    if len(columns) > _LEAST_ALIKE and all(re.search("[A-Za-z_]", name) for name in columns):
        return columns, f"CSV with the columns {', '.join(columns)[:_SHOWN]}"
    pairs = _KEY_VALUE.findall(first)
    if len(pairs) > _LEAST_ALIKE:
        return tuple(pairs), f"key=value text that begins {shown}"
    return tuple(re.findall(r"[A-Za-z][\w.-]+", first)), f"text that begins {shown}"


def _keys(line: str) -> Iterable[str]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return re.findall(r'"([\w.@-]+)"\s*:', line)
    below = [value] if isinstance(value, dict) else []
    keys: list[str] = []
    while below and len(keys) < 500:
        for key, inner in below.pop().items():
            keys.append(key)
            below += [inner] if isinstance(inner, dict) else []
    return keys


def _nearest(names: Sequence[str], modules: Mapping[str, ModuleType]) -> tuple[str, list[str]] | None:
    """The format most of whose own names stand in the file, and which."""
    present = {name.strip().lower(): name for name in names}
    alike = {}
    for name, module in modules.items():
        own = _own_names(module)
        alike[name] = [present[one] for one in present if one in own]
    best = max(alike, key=lambda name: len(alike[name]), default="")
    return (best, alike[best]) if best and len(alike[best]) >= _LEAST_ALIKE else None


def _own_names(module: ModuleType) -> set[str]:
    """The names that a format module reads, from its tables."""
    names: set[str] = set()
    for table in ("NEEDED", "REQUIRED", "OPTIONAL", "DEFAULT_ORDER", "FIELDS", "WORDS"):
        names |= {text.lower() for text in _texts(getattr(module, table, ()))}
    return names


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in (*value.keys(), *value.values()):
            yield from _texts(inner)
    elif isinstance(value, tuple | list | frozenset | set):
        for inner in value:
            yield from _texts(inner)

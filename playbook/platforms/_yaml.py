"""Plain values as YAML in block style: what packages are written in, without a library and always in the same bytes."""

import json
import re
from typing import Any

# Bare words that no YAML 1.1 or 1.2 reader takes for anything but text, as keys.
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_TAKEN = re.compile(r"(?i)(y|n|yes|no|true|false|on|off|null)")
# A literal block keeps these as they are; any other text is quoted.
_BLOCK = re.compile(r"(?:[^\S\n]*\S[\x20-\x7e]*|)(?:\n[\x20-\x7e]*)*\n")


def dump(value: Any) -> str:
    """The YAML text of dicts, lists, texts, numbers, booleans and None; ends with a newline."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for key, item in value.items() for line in _entry(f"{_key(str(key))}:", item)]
    if isinstance(value, list | tuple) and value:
        return [line for item in value for line in _entry("-", item)]
    return [_scalar(value)]


def _entry(head: str, item: Any) -> list[str]:
    if isinstance(item, str) and "\n" in item and _literal(item):
        return [f"{head} |", *(f"  {line}" if line else "" for line in item[:-1].split("\n"))]
    if not isinstance(item, dict | list | tuple) or not item:
        return [f"{head} {_scalar(item)}"]
    lines = _lines(item)
    if head == "-":
        return [f"- {lines[0]}", *(f"  {line}" if line else "" for line in lines[1:])]
    return [head, *(f"  {line}" if line else "" for line in lines)]


def _literal(text: str) -> bool:
    """Whether a literal block gives the text back: it begins with no blank, and one newline ends it."""
    return text[0] not in " \n" and not text.endswith("\n\n") and _BLOCK.fullmatch(text) is not None


def _key(key: str) -> str:
    return key if _KEY.fullmatch(key) and not _TAKEN.fullmatch(key) else _quoted(key)


def _scalar(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return "{}" if isinstance(value, dict) else "[]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """As JSON quotes it, but that YAML writes what is beyond 16 bits as one escape and not as two."""
    return '"' + "".join(json.dumps(c)[1:-1] if ord(c) < 0x10000 else f"\\U{ord(c):08x}" for c in text) + '"'

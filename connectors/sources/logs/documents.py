"""Texts that are no lines yet, one record a line: JSON arrays and documents with a list of records, XML events.

A JSON file is one of: an object a line (read as it is), an array, one document with a list under a name of
``CONTAINERS`` (``records``, ``hits.hits``, ``logEvents`` ...), or several of these after each other, whatever their
layout. Memory is bounded by one record (``LONGEST``); a list of any length is read as a stream. What is no JSON stays
a line, so that whoever reads the lines rejects it by name.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

# Names under which exports keep their list of records.
CONTAINERS = frozenset(
    (
        "records",
        "Records",
        "results",
        "events",
        "Events",
        "logEvents",
        "messages",
        "hits",
        "value",
        "data",
        "items",
        "entries",
        "rows",
        "logs",
        "flows",
    )
)
# Objects on the way to such a list: Elasticsearch's hits.hits, search answers' data.result.
_ON_THE_WAY = frozenset(("hits", "data", "response", "body", "searchResult"))
LONGEST = 16 << 20
_SPACE = re.compile(r"[\s,\x1e]*")
_LINES_LOOKED_AT = 20
_DEEPEST = 4
_DECODER = json.JSONDecoder()
_EVENT_BEGINS = re.compile(r"<Event[\s>]")
_EVENT_ENDS = "</Event>"


def is_documents(head: str) -> bool:
    """Whether a text begins as JSON that is not one record a line."""
    start = head.lstrip("\ufeff \t\r\n\x1e")
    if start.startswith("["):
        return bool(re.match(r"\[\s*[\[{]", start))
    if not start.startswith("{"):
        return False
    lines = [line for line in start.split("\n")[:_LINES_LOOKED_AT] if line.strip()]
    records = [_object(line) for line in lines]
    known = [record for record in records if record is not None]
    if known:
        return any(_list_in(record) is not None for record in known)
    # No line of them is a whole object: a document over many lines, or one that is longer than what is seen of it.
    return bool(re.match(r'\{\s*"(?:[^"\\]|\\.)*"\s*:', start)) and (len(lines) == 1 or not _broken_lines(lines))


def is_events(head: str) -> bool:
    """Whether a text is XML with Windows events in it."""
    return head.lstrip("\ufeff \t\r\n").startswith("<") and _EVENT_BEGINS.search(head) is not None


def records(pieces: Iterator[str]) -> Iterator[str]:
    """The records of JSON text as single lines of JSON; a line that is no JSON comes as it is."""
    text = _Text(pieces)
    while text.peek():
        try:
            yield from _descend(text, 0)
        except ValueError:
            line = text.line()
            if line.strip("]} \t"):  # the ends of an array or document of which a part was no JSON
                yield line


def events(pieces: Iterator[str]) -> Iterator[str]:
    """Each ``<Event>`` of XML text on a line of its own; what stands between them is no event."""
    rest = ""
    for piece in pieces:
        rest += piece
        at = 0
        while (end := rest.find(_EVENT_ENDS, at)) >= 0:
            begun = _EVENT_BEGINS.search(rest, at, end)
            yield one_line(rest[begun.start() if begun else at : end + len(_EVENT_ENDS)])
            at = end + len(_EVENT_ENDS)
        rest = rest[at:] if len(rest) - at <= LONGEST else ""
    begun = _EVENT_BEGINS.search(rest)
    if begun:
        yield one_line(rest[begun.start() :])


def one_line(text: str) -> str:
    """The text without line ends, which in JSON and XML stand between values only."""
    return " ".join(text.split("\n")).replace("\r", " ").replace("\0", " ")


class _Text:
    """Text that grows while it is read; ``at`` is the place of the next character."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._whole = False
        self.text = ""
        self.at = 0

    def more(self) -> bool:
        """Read on, at least as much as is held now, so that a long value is not parsed again for each piece."""
        self.text, self.at = self.text[self.at :], 0
        wanted = max(2 * len(self.text), 1)
        while len(self.text) < wanted and not self._whole:
            piece = next(self._pieces, None)
            self._whole = piece is None
            self.text += piece or ""
        return not self._whole or len(self.text) >= wanted

    def peek(self) -> str:
        """The next character that is neither space nor comma; "" at the end."""
        while True:
            self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.text):
                return self.text[self.at]
            if self._whole or not self._grown():
                return ""

    def value(self) -> tuple[Any, str]:
        """The next JSON value and its text. Raises ValueError when there is none, or one longer than ``LONGEST``."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except RecursionError:
                raise ValueError("nested too deep") from None
            except ValueError:
                if len(self.text) - self.at > LONGEST or self._whole or not self._grown():
                    raise
                continue
            # A number that ends with the text may go on in the next piece.
            if end == len(self.text) and not self._whole and not isinstance(value, dict | list | str):
                self._grown()
                continue
            text = self.text[self.at : end]
            self.at = end
            return value, text

    def line(self) -> str:
        """What is left of the line, which is no JSON."""
        while (end := self.text.find("\n", self.at)) < 0 and not self._whole and len(self.text) - self.at < LONGEST:
            self._grown()
        end = len(self.text) if end < 0 else end
        line, self.at = self.text[self.at : end], end
        return one_line(line)

    def _grown(self) -> bool:
        before = len(self.text) - self.at
        self.more()
        return len(self.text) > before


def _descend(text: _Text, depth: int) -> Iterator[str]:
    """The records of the next value: of an array its elements, of a document those of its list, else itself."""
    if text.peek() == "[":
        text.at += 1
        while text.peek() not in ("]", ""):
            yield from _record(text)
        text.at += 1
        return
    if text.peek() != "{":
        raise ValueError("no record")
    if not _opens_a_list(text):
        yield from _record(text)
        return
    text.at += 1
    while text.peek() not in ("}", ""):
        name, _ = text.value()
        if text.peek() != ":":
            raise ValueError("no value")
        text.at += 1
        opened = text.peek()
        inner = opened == "{" and name in _ON_THE_WAY and depth < _DEEPEST
        if inner or (opened == "[" and name in CONTAINERS):
            yield from _descend(text, depth + 1)
        else:
            text.value()
    text.at += 1


def _record(text: _Text) -> Iterator[str]:
    value, written = text.value()
    inner = _list_in(value) if isinstance(value, dict) else None
    if inner is None:
        yield one_line(written)
        return
    yield from (json.dumps(record, ensure_ascii=False) for record in inner)


_NAME = re.compile(r'\s*"((?:[^"\\]|\\.){0,80})"\s*:\s*(.)', re.DOTALL)


def _opens_a_list(text: _Text) -> bool:
    """Whether the object is too long to be held and has a list of records on its way, so that it must be a stream."""
    if len(text.text) - text.at < LONGEST // 16:
        text.more()
    if len(text.text) - text.at < LONGEST // 16:
        return False
    try:
        _DECODER.raw_decode(text.text, text.at)
    except (ValueError, RecursionError):
        return any(name[1] in CONTAINERS and name[2] in "[{" for name in _NAME.finditer(text.text, text.at))
    return False


def _list_in(record: dict[str, Any]) -> list[Any] | None:
    """The list of records in a document, null when it is a record itself."""
    for name, value in record.items():
        if name in CONTAINERS and isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            return value
        if name in _ON_THE_WAY and isinstance(value, dict) and (inner := _list_in(value)) is not None:
            return inner
    return None


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line.rstrip(", \r"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _broken_lines(lines: list[str]) -> bool:
    """Whether most lines begin as an object of their own: damaged rows, no document over many lines."""
    return sum(line.startswith("{") for line in lines) > len(lines) / 2

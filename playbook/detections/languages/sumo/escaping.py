"""The one place where text from outside becomes a part of a Sumo Logic query."""

import re

from playbook.detections.languages.sumo.lint import AGGREGATES, FOREIGN, STATEMENTS, WORDS

_RESERVED = STATEMENTS | AGGREGATES | WORDS | frozenset(FOREIGN)
_PLAIN_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NESTED_FIELD = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_@.\- ]*")
_SCOPE_UNQUOTED = re.compile(r"[A-Za-z0-9_=*/.:\-,()@?!<>%+\s]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
MAX_SCOPE = 4_000


class Unquotable(ValueError):
    """The text cannot become a part of a query; the message says which character stands in the way."""


def literal(text: str) -> str:
    """``text`` as a Sumo string literal: double quotes, with ``"`` and ``\\`` escaped by a backslash.

    Raises Unquotable for control characters (a line break would end the line of the query).
    """
    odd = next((c for c in text if not c.isprintable()), None)
    if odd is not None:
        raise Unquotable(f"character U+{ord(odd):04X} cannot stand in a query")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def field(name: str) -> str:
    """``name`` as a reference to a field: bare when it is an identifier, else ``%"name"`` (dots, dashes, spaces).

    The name of an operator is no identifier: a stage that begins with the field ``count`` would count.
    Raises Unquotable for anything else: quotes, pipes, backslashes, control characters.
    """
    if _PLAIN_FIELD.fullmatch(name) and name.lower() not in _RESERVED:
        return name
    if _NESTED_FIELD.fullmatch(name) and name.isprintable():
        return f'%"{name}"'
    raise Unquotable(f"{name!r} is no field name: letters, digits, and _ @ . - or spaces inside")


def scope(text: str) -> str:
    """``text`` as the scope of a query, in parentheses so that nothing after it can widen it.

    Allowed: metadata and keyword terms, quoted phrases, AND, OR, NOT and balanced parentheses.
    Raises Unquotable for a pipe, a subquery, a comment, a backtick, a line break, or unbalanced quotes or brackets.
    """
    fault = scope_fault(text)
    if fault:
        raise Unquotable(fault)
    return f"({text.strip()})"


def scope_fault(text: str) -> str:
    """What is wrong with ``text`` as a scope, or "" when it may be used."""
    if not text.strip():
        return "an empty scope would search everything; use * if that is meant"
    if len(text) > MAX_SCOPE:
        return f"longer than {MAX_SCOPE} characters"
    if not text.isprintable():
        return "control characters and line breaks cannot stand in a scope"
    bare = _STRING.sub(" ", text)
    if '"' in bare:
        return "a double quote is not closed"
    if "//" in bare or "/*" in bare:
        return "a comment cannot stand in a scope"
    if not _SCOPE_UNQUOTED.fullmatch(bare):
        odd = next(c for c in bare if not _SCOPE_UNQUOTED.fullmatch(c))
        return f"the character {odd!r} may only stand inside double quotes"
    return "" if _balanced(bare) else "the parentheses are not balanced"


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0

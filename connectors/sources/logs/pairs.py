"""One reader for the lines of named values: key=value, key:"value", Cisco's ``Key: value``, CEF and LEEF, as SQL text.

A line is rewritten into one JSON object, from which all wanted values are taken at once: that is several times as fast
as an expression for each of them, and text inside a value can never pass for a key. The first value of a key counts.
What the rewriting cannot express (a word without a key, escapes in a quoted value) is taken apart by an expression.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from connectors.sources.logs.line_sql import identifier
from connectors.sources.logs.schema import literal

Style = Literal["spaced", "commas", "quoted", "colons", "cef", "leef"]

_KEY = r"[A-Za-z0-9_.\-]+"
_STRING = r'"(?:[^"\\]|\\.)*(?:"|$)'
# Style -> the expression whose first group is a key and whose second one is its value.
_EACH: Mapping[str, str] = {
    "spaced": rf"(?:^|\s)({_KEY})=({_STRING}|\S*)",
    "commas": rf'(?:^|,)"?({_KEY})=({_STRING}|[^,"]*)',
    "quoted": rf"(?:^|[;\[] ?)({_KEY}): ?({_STRING}|[^;]*)",
}
# Style -> what stands before a key, and what between it and its value; a value runs to the next key.
_RUNNING: Mapping[str, str] = {
    "colons": r", ([A-Z][A-Za-z0-9_ ]{1,40}): ?",
    "cef": r" +([A-Za-z0-9_.\-\[\]]+)=",
    "leef": r"\t([A-Za-z0-9_.\- ]+)=",
}
_LEAD: Mapping[str, str] = {"colons": "', '", "cef": "' '", "leef": "chr(9)"}


def taken(source: str, text: str, keys: Sequence[str], style: Style) -> str:
    """SELECT of ``source`` with one column a key, called ``column(key)``; null when the line does not have the key.

    ``text`` is SQL for the pairs of a row.
    """
    columns = ", ".join(f"kv[{place}] AS {column(key)}" for place, key in enumerate(keys, 1))
    with_text = f"SELECT *, {text} AS kv_text FROM ({source})"
    with_list = f"SELECT *, {values('kv_text', keys, style)} AS kv FROM ({with_text})"
    return f"SELECT * EXCLUDE (kv_text, kv), {columns} FROM ({with_list})"


def column(key: str) -> str:
    """The quoted name of the column of ``key`` in ``taken``; DuckDB's names do not tell act from Act."""
    return identifier("k " + "".join(f"^{one}" if one.isupper() else one for one in key))


def values(text: str, keys: Sequence[str], style: Style) -> str:
    """The values of ``keys`` in this order, as a SQL list of texts with nulls; ``text`` must be a column's name."""
    names = "[" + ", ".join(literal(key) for key in keys) + "]"
    if style in _RUNNING:
        return _running(text, names, style)
    fast = f"TRY(json_extract_string({_object(text, style)}, {names}))"
    return f"coalesce({fast}, {_each(text, names, style)})"


def cef(text: str = "text") -> str:
    """A struct of the CEF record in a line: vendor, product, version, id, name, severity, and ``rest``, its values."""
    return _header(text, r"CEF: ?\d+", ("vendor", "product", "version", "id", "name", "severity"))


def leef(text: str = "text") -> str:
    """A struct of the LEEF record in a line: vendor, product, version, id, and ``rest``; see ``leef_values``."""
    return _header(text, r"LEEF: ?\d+\.\d+", ("vendor", "product", "version", "id"))


def leef_values(rest: str) -> str:
    """The values of a LEEF record with a tab before each; ``rest`` must be a column's name.

    LEEF 2.0 names the delimiter after the id, as a character or its code (x7C); where none is named and no tab divides
    the values, bars do.
    """
    code = f"regexp_extract({rest}, '^0?x([0-9A-Fa-f]{{2,4}})\\|', 1)"
    named = f"CASE WHEN {code} != '' THEN chr(('0x' || {code})::INTEGER) ELSE {rest}[1] END"
    behind = f"{rest}[strpos({rest}, '|') + 1:]"
    bars = f"CASE WHEN contains({rest}, chr(9)) THEN {rest} ELSE replace({rest}, '|', chr(9)) END"
    return (
        f"CASE WHEN regexp_matches({rest}, '^([^A-Za-z0-9|]|0?x[0-9A-Fa-f]{{2,4}})\\|') "
        f"THEN replace({behind}, {named}, chr(9)) WHEN {rest}[1] = '|' THEN {rest}[2:] ELSE {bars} END"
    )


def _header(text: str, begin: str, parts: Sequence[str]) -> str:
    """A struct of the parts of a record's header and ``rest``; all texts are empty where there is no record.

    A header without escaped bars is divided at its bars: the expression takes ten times as long, for the rest it holds.
    """
    whole = rf"^{begin}\|" + r"((?:[^|\\]|\\.)*)\|" * len(parts) + r"(.*)$"
    names = ", ".join(literal(part) for part in (*parts, "rest"))
    # At the beginning of a text the expression is several times as fast as anywhere in it.
    record = f"{text}[coalesce(nullif(strpos({text}, {literal(begin[:4])}), 0), 1):]"
    wide = len(parts) + 1
    plain = ", ".join(f"{literal(part)}: b.f[{place}]" for place, part in enumerate(parts, 2))
    rest = f"array_to_string(b.f[{wide + 1}:], '|')"
    sound = f"len(b.f) > {wide} AND regexp_full_match(b.f[1], {literal(begin)}) AND NOT contains(b.r, '\\')"
    divided = f"{{{plain}, 'rest': {rest}}}"
    chosen = f"CASE WHEN {sound} THEN {divided} ELSE regexp_extract(b.r, {literal(whole)}, [{names}]) END"
    return f"list_transform([{{'r': {record}, 'f': string_split({record}, '|')}}], lambda b: {chosen})[1]"


def _object(text: str, style: str) -> str:
    """The text as a JSON object; no valid one when the text holds words without a key, escapes or control characters.

    A backslash becomes such a character: to choose by a CASE would copy every row.
    """
    if style == "quoted":
        body = f"replace(replace(replace({_trimmed(text, '; ]')}, '\\', chr(1)), ':\"', '\":\"'), '\"; ', '\",\"')"
        return f"'{{\"' || {body} || '}}'"
    gap = "' '" if style == "spaced" else "','"
    whole = f"replace({_trimmed(text, ' ')}, '\\', chr(1))"
    part = f"CASE WHEN i % 2 = 0 THEN p ELSE replace(replace(p, '=', '\":\"'), {gap}, '\",\"') END"
    divided = f"array_to_string(list_transform(string_split({whole}, '\"'), lambda p, i: {part}), '')"
    return f"'{{\"' || {divided} || '\"}}'"


def _trimmed(text: str, ends: str) -> str:
    """The text without these characters at its end; looking for them there first costs a tenth of the trimming."""
    found = " OR ".join(f"ends_with({text}, {literal(one)})" for one in ends)
    return f"CASE WHEN {found} THEN rtrim({text}, {literal(ends)}) ELSE {text} END"


def _each(text: str, names: str, style: str) -> str:
    pattern = literal(_EACH[style])
    plain = "regexp_replace(v[2:-2], '\\\\(.)', '\\1', 'g')"
    unquoted = f"CASE WHEN v[1] = '\"' THEN CASE WHEN right(v, 1) = '\"' THEN {plain} ELSE v[2:] END ELSE v END"
    keys = f"regexp_extract_all({text}, {pattern}, 1)"
    raws = f"regexp_extract_all({text}, {pattern}, 2)"
    # Inside the lambda a list is a value of the row; written there, it would be computed anew for each name.
    both = f"[{{'k': {keys}, 'v': {raws}}}]"
    each = f"list_transform({names}, lambda k: s.v[nullif(list_position(s.k, k), 0)])"
    chosen = f"list_transform({both}, lambda s: {each})"
    return f"list_transform(({chosen})[1], lambda v: {unquoted})"


def _running(text: str, names: str, style: str) -> str:
    """Keys that are known by what stands around them; a value is all text up to the next key."""
    clean_text = f"replace(replace({_trimmed(text, chr(9))}, '\\', '\\\\'), '\"', '\\\"')"
    marked = f"regexp_replace({_LEAD[style]} || {clean_text}, {literal(_RUNNING[style])}, '\",\"\\1\":\"', 'g')"
    whole = f"'{{\"\":\"' || {marked} || '\"}}'"  # what stands before the first key is the value of none
    clean = f"regexp_replace({whole}, '[[:cntrl:]]', ' ', 'g')"
    body = f"coalesce(TRY(json_extract_string({whole}, {names})), TRY(json_extract_string({clean}, {names})))"
    if style == "leef":
        # Without an equals sign in a value every step is a plain replacement; with one the object is not valid.
        parts = f"replace(replace({clean_text}, '=', '\":\"'), chr(9), '\",\"')"
        return f"coalesce(TRY(json_extract_string('{{\"' || ltrim({parts}, '\",') || '\"}}', {names})), {body})"
    if style != "cef":
        return body
    unescaped = f"list_transform({body}, lambda v: regexp_replace(v, '\\\\([\\\\=|])', '\\1', 'g'))"
    return f"CASE WHEN contains({text}, '\\') THEN {unescaped} ELSE {body} END"


def behind_frame(text: str = "text") -> str:
    """The text from its first key on: what a relay wrote before the first ``key=`` is no part of the record."""
    return f"{text}[length(regexp_extract({text}, '^[^=]*[ >:\",|]')) + 1:]"


def raw(names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """By cell: SQL for the first of its keys that a row of ``taken`` has; a null for a cell without keys."""
    return {
        cell: f"coalesce({', '.join(map(column, keys))})" if keys else "NULL::VARCHAR" for cell, keys in names.items()
    }


def keys_of(names: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All keys of a table of names, each once."""
    return tuple(dict.fromkeys(key for keys in names.values() for key in keys))

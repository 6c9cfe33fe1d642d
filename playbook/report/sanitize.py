"""Text made safe to show, and numbers, sizes and times as a person reads them."""

import re
import unicodedata
from datetime import datetime

LONGEST = 500
_CUT = "…"
# ECMA-48: CSI and two-character sequences, and OSC/DCS/SOS/PM/APC strings up to their terminator.
_ESCAPE = re.compile(
    r"(?:\x1b[PX\]^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,16}[@-~]"
    r"|\x1b[ -/]{0,4}[0-~]"
)
_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
# Control, format (bidi, zero-width, tags), surrogate, private, unassigned, and separators other than the space.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Drawn as nothing although Unicode files them under letters, marks or symbols.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\ufffc")
_MARKS_IN_A_ROW = 2
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def _shown(character: str) -> bool:
    return (
        unicodedata.category(character) not in _UNSHOWN
        and character not in _BLANK
        and not "\ufe00" <= character <= "\ufe0f"
        and not "\U000e0100" <= character <= "\U000e01ef"
    )


def _without_towers(text: str) -> str:
    """At most two combining marks in a row, so that no text climbs over its neighbours."""
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= _MARKS_IN_A_ROW:
            kept.append(character)
    return "".join(kept)


def _cut(shown: str, longest: int) -> str:
    return shown if len(shown) <= longest else shown[: max(longest - 1, 0)].rstrip() + _CUT


def plain(text: object, longest: int = LONGEST) -> str:
    """One line of visible text: no control, ESC sequence, bidi or invisible character, at most ``longest`` long.

    Line breaks and tabs become one space. Longer text ends in "…". The answer still needs the escaping of the
    place where it is shown (HTML, rich markup, a shell).
    """
    raw = str(text)[: longest * 4 + 4096]
    if raw.isascii() and raw.isprintable():
        return _cut(raw, longest)
    spaced = _BREAKS.sub(" ", _ESCAPE.sub("", raw))
    shown = _without_towers(
        "".join(c if c.isascii() or unicodedata.category(c) != "Zs" else " " for c in spaced if _shown(c))
    )
    return _cut(shown, longest)


def named(host: str) -> str:
    """A host's name to show, at most 120 long; never empty, so that a link to it can be seen."""
    return plain(host, 120).strip() or "(no visible name)"


def altered(text: str) -> bool:
    """Whether ``plain`` had to change the text; worth saying, because two names may then look alike."""
    return plain(text) != text


def count(number: int | None) -> str:
    """``12,345``; "unknown" for None."""
    return "unknown" if number is None else f"{number:,}"


def several(number: int, one: str, many: str = "") -> str:
    """``1 host``, ``2 hosts``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(octets: int | None) -> str:
    """Bytes in decimal units with three significant digits; "unknown" for None."""
    if octets is None:
        return "unknown"
    value = float(octets)
    for unit in _UNITS:
        if value < 999.5 or unit == _UNITS[-1]:
            break
        value /= 1000
    return f"{int(value)} {unit}" if unit == "B" else f"{value:.3g} {unit}"


def duration(seconds: float) -> str:
    """The two largest of days, hours, minutes and seconds: ``4 h``, ``1 d 6 h``, ``1 min 30 s``."""
    left = max(int(seconds), 0)
    parts: list[str] = []
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        whole, left = divmod(left, length)
        if whole:
            parts.append(f"{whole} {unit}")
    return " ".join(parts[:2]) or "0 s"


def utc(moment: datetime | None, seconds: bool = False) -> str:
    """``2026-11-23 14:05`` (the page says once that times are UTC); "unknown" for None."""
    if moment is None:
        return "unknown"
    return moment.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


_UNIT = re.compile(r"(?<=[0-9]) (?=(?:d|h|min|s|%|[kMGT]?B)\b)|(?<=\bfor) (?=[0-9])")
TIED = "\u00a0"


def tied(text: str) -> str:
    """The text with a number held to its unit ("for 4 h") by spaces at which no line breaks."""
    return _UNIT.sub(TIED, text)


def endpoint(address: str, port: int) -> str:
    """``203.0.113.5:443``, ``[2001:db8::5]:443``."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

"""SQL text for stamps that lack a year or name their zone by a word: the row's own zone wins over the one given."""

from collections.abc import Mapping

from connectors.sources.logs import line_sql
from connectors.sources.logs.schema import Scan, literal

# Hours east of UTC. A name that two continents use otherwise (IST, CST of China) has the meaning of RFC 822 or none.
ZONES: Mapping[str, float] = {
    "UTC": 0,
    "GMT": 0,
    "UT": 0,
    "Z": 0,
    "WET": 0,
    "WEST": 1,
    "BST": 1,
    "CET": 1,
    "CEST": 2,
    "MEZ": 1,
    "MESZ": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AKST": -9,
    "AKDT": -8,
    "HST": -10,
    "NST": -3.5,
    "NDT": -2.5,
    "BRT": -3,
    "JST": 9,
    "KST": 9,
    "SGT": 8,
    "HKT": 8,
    "PHT": 8,
    "MYT": 8,
    "WIB": 7,
    "ICT": 7,
    "AEST": 10,
    "AEDT": 11,
    "ACST": 9.5,
    "ACDT": 10.5,
    "AWST": 8,
    "NZST": 12,
    "NZDT": 13,
    "SAST": 2,
    "EAT": 3,
    "GST": 4,
    "PKT": 5,
    "NPT": 5.75,
}


def zone_shift(word: str) -> str:
    """Seconds east of UTC of a zone's name or offset (+02:00, -0530, EDT); null for any other text."""
    offset = f"regexp_extract({word}, '^([+-])([0-9]{{2}}):?([0-9]{{2}})$', ['sign', 'h', 'm'])"
    seconds = "try_cast(o.sign || '1' AS INTEGER) * (try_cast(o.h AS INTEGER) * 3600 + try_cast(o.m AS INTEGER) * 60)"
    named = " ".join(f"WHEN {literal(name)} THEN {int(hours * 3600)}" for name, hours in ZONES.items())
    return f"CASE {word} {named} ELSE list_transform([{offset}], lambda o: {seconds})[1] END"


def zoned(naive: str, word: str, zone: str) -> str:
    """Epoch seconds of a stamp without an offset (``naive``: SQL TIMESTAMP); the row's own zone ``word`` wins."""
    local = naive if zone == "UTC" else f"timezone({literal(zone)}, {naive})"
    own = f"epoch({naive}) - {zone_shift(word)}"
    return line_sql.bounded(
        f"CASE WHEN {word} = '' THEN epoch({local}) ELSE coalesce({own}, epoch({local})) END",
        line_sql.EARLIEST,
        line_sql.LATEST,
    )


def year(stamp: str, scan: Scan) -> str:
    """SQL text of the year of a stamp that begins with its month's name; null when nobody knows it.

    ``Scan.year`` is the year in which a file begins; ``Scan.years`` is what the runner took from the files' own times.
    """
    if not scan.years:
        return literal(str(scan.year)) if scan.year else "NULL"
    late = f"left({stamp}, 3) IN ('Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec')"
    files = " ".join(
        f"WHEN {literal(path)} THEN CASE WHEN {late} THEN '{of_late}' ELSE '{of_early}' END"
        for path, of_late, of_early in scan.years
    )
    return f"CASE file {files} END"

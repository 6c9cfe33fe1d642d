"""The shape every log format is brought into: canonical columns by kind of log, and what a format module offers.

A format is one file in this folder that fits ``Format``: the runner finds it by itself, and ``--format`` and the
configuration offer its ``NAME``. ``recognise`` gives a tuple when one file carries several kinds (Suricata EVE: conn,
dns, tls, http); ``select`` is then called once for each of them over the same paths. ``select`` must take every value
from ``form`` and ``paths`` through ``literal`` (quoted by one function).

A SELECT may carry, after the kind's columns, the columns of ``ASIDE``. A row with ``bad`` is a rejected one, a row with
``passed`` is a sound one that is no event of this kind (a PAN start row, a VPC NODATA row); ``file`` and ``line`` say
where it stands. Such a row's canonical columns mean nothing and ``start`` is null: the runner counts it by its reason,
names the first few as file:line, and drops it. ``records`` is how many lines of the log a row was made of, so that
read, passed and rejected lines add up to all lines; ``joined`` how many of them continue a session without proof,
because the log has no flags; ``lost`` that the exporter itself says that records are missing. Rows that DuckDB itself
cannot split are in ``Scan.rejects``, as for any format.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from playbook.model import Value

Kind = Literal["conn", "dns", "tls", "http", "irc", "holders"]

# Column name -> DuckDB type, by kind. Times are epoch seconds (UTC). A null is "the log does not say".
CANONICAL: dict[Kind, dict[str, str]] = {
    "conn": {
        "start": "DOUBLE",
        "hostname": "VARCHAR",  # '' when the log names no host (a firewall's own name is not the host)
        "src_ip": "VARCHAR",
        "src_port": "INTEGER",
        "dst_ip": "VARCHAR",
        "dst_port": "INTEGER",
        "proto": "VARCHAR",  # lower case: tcp, udp, icmp ...
        "conns": "BIGINT",  # sessions this row stands for (PAN Repeat Count); else 1
        "bytes_sent": "BIGINT",
        "bytes_rcvd": "BIGINT",
        "bytes_total": "BIGINT",  # null when a counter is unknown
        "orig_bytes": "BIGINT",  # the originator's IP bytes, for the size series; null when unknown
        "sent_packets": "BIGINT",
        "rcvd_packets": "BIGINT",
        "process_name": "VARCHAR",  # '' when unknown
        "service": "VARCHAR",  # application protocol the log recorded, lower case, '' when none
        "duration": "DOUBLE",
        "answered": "BOOLEAN",  # null: unknown
        "denied": "BOOLEAN",  # refused by a device: not a connection, counted apart
        "continues": "BOOLEAN",  # a further row of a session already counted, if its 5-tuple was seen before
    },
    "dns": {
        "start": "DOUBLE",
        "src_ip": "VARCHAR",
        "query": "VARCHAR",
        "failed": "BOOLEAN",
        "answers": "VARCHAR[]",
        "server": "VARCHAR",  # who answered; null when the log does not say
        "hostname": "VARCHAR",
        "process_name": "VARCHAR",  # who asked, of an endpoint's own log; '' when unknown
    },
    "tls": {"start": "DOUBLE", "src_ip": "VARCHAR", "dst_ip": "VARCHAR", "dst_port": "INTEGER", "name": "VARCHAR"},
    "http": {
        "start": "DOUBLE",
        "src_ip": "VARCHAR",
        "dst_ip": "VARCHAR",
        "dst_port": "INTEGER",
        "name": "VARCHAR",
        "method": "VARCHAR",  # of a request; null for a row that is none
    },
    "irc": {"start": "DOUBLE", "src_ip": "VARCHAR", "dst_ip": "VARCHAR", "dst_port": "INTEGER"},
    "holders": {
        "start": "DOUBLE",
        "until": "DOUBLE",
        "address": "VARCHAR",
        "hostname": "VARCHAR",
        "written_by": "VARCHAR",
    },
}

# The columns a SELECT may add after the canonical ones, so that no row is dropped in silence.
ASIDE: dict[str, str] = {"bad": "VARCHAR", "passed": "VARCHAR", "file": "VARCHAR", "line": "BIGINT"}
# Further ones that most formats do not need, with what stands for them then.
ASIDE_DEFAULTS: dict[str, str] = {"records": "1::BIGINT", "joined": "0::BIGINT", "lost": "false"}


# Own columns of a table: pairs of our name and theirs (``--columns``, ``[sources.NAME] columns``).
Columns = tuple[tuple[str, str], ...]


class Recognised(Value):
    """A format seen in a file's content: the format's name, the kind of log, and its columns in file order."""

    format: str
    kind: Kind
    columns: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    note: str = ""


class Sample(Value):
    """Lines of a format in its own words, from which the benchmarks and the fuzz tests write files of any length.

    ``rows`` come in turn, after ``headers``, the first of them once for each of ``turns``, with its further values. All
    rows of a round tell of one client. Filled in are $client, $port and $n (a number) of the round, and of the row's
    own moment: $iso (2026-03-02T08:00:01), $date, $clock, $slashed (2026/03/02), $bsd (Mar 02), $year, $epoch, $ms, and
    $later (epoch, three seconds on).
    """

    headers: tuple[str, ...] = ()
    rows: tuple[str, ...]
    turns: tuple[Mapping[str, str], ...] = ({},)


class Scan(Value):
    """How a scan is to be read: ``rejects`` names the table for rejected rows, "" when none is kept."""

    rejects: str = ""
    year: int | None = None  # for syslog stamps without a year
    time_zone: str = "UTC"  # IANA name; of a device whose stamps carry no offset
    only: str = ""  # a regular expression: the lines of this format in files that hold those of several
    copies: tuple[tuple[str, str], ...] = ()  # path -> Parquet copy of its lines (line_copies.py)
    years: tuple[tuple[str, int, int], ...] = ()  # path -> year of stamps in July to December, and in January to June


def literal(text: str) -> str:
    """``text`` as a SQL string literal; the only way a value enters a query."""
    return "'" + text.replace("'", "''") + "'"


class Format(Protocol):
    """What the runner asks of a format module.

    Its ``SAMPLE`` makes the benchmarks and the fuzz tests cover it. Beside these names a module may state, each with a
    default: ``ROWS_ARE_LINES`` (False; one line is one row, without host, process or denied attempts, so that lines and
    rows are compared and the rows aggregated in one pass), ``ENDPOINT`` (False; machines' own record), ``UNDATED``
    (False; its stamps may lack a year: see timestamps.year), ``LACKS`` ("a connection record"; what a file of this
    format without an event should hold, and how to get it), ``fault(form, line)`` and ``renamed(form, line)`` (formats
    whose rows are lines: zeek.py), ``LINE`` (a regular expression, RE2 and Python: its lines, where one file may hold
    those of several devices), and ``assumed(head)`` (the forms of a file that ``recognise`` does not know and a person
    says is of this format; raises UnknownFormat).
    """

    NAME: str
    SAMPLE: Sample

    def recognise(self, head: str, path: str) -> "Recognised | tuple[Recognised, ...] | None":
        """What a file that begins with ``head`` holds, from its content, never from its name alone.

        None when this is another format, an empty tuple for one that is known and not read.
        """

    def select(self, form: "Recognised", paths: Sequence[str], scan: "Scan") -> str:
        """A DuckDB SELECT over the files that gives the columns of ``form.kind``, and those of ``ASIDE`` it has."""

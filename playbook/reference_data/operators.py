"""Operators whose addresses are never blocked by address: behind each stand bystanders, or the network's own working.

Kept by hand in operators.csv. AS numbers answer this one question and never lean a verdict. Left out on purpose: access
providers (Google Fiber, AS16591) and networks that mostly rent whole machines (Linode, AS63949; Oracle Cloud, AS31898;
DigitalOcean, OVH, Hetzner): one of their addresses is usually one customer.
"""

from dataclasses import dataclass
from functools import cache

from playbook.reference_data.csv_reader import read_table, required


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """One AS of an operator, why its addresses are not blocked, and where that can be checked."""

    asn: int
    operator: str
    why: str
    source: str


def operator_of(asn: int) -> OperatorRow | None:
    """The operator's row for an AS number, or None when its addresses may be blocked as any other."""
    return _by_number().get(asn)


def every_operator() -> tuple[OperatorRow, ...]:
    """All rows, in the order of the file."""
    return tuple(_by_number().values())


def _row(cells: dict[str, str]) -> OperatorRow:
    why, source = required(cells["why"], "why"), required(cells["source"], "source")
    return OperatorRow(int(cells["asn"]), required(cells["operator"], "operator"), why, source)


@cache
def _by_number() -> dict[int, OperatorRow]:
    return {row.asn: row for row in read_table("operators.csv", _row)}

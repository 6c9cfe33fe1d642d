"""Expressions of eval and where, as the Splunk search manual gives their meaning; strict where it is silent.

Reference: the eval functions in Splunk's Search Reference. Values: float, str, bool, list of str
(multivalue), None (null). Conditions have three values; a null one is neither true nor false.
"""

import operator
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from ipaddress import ip_address, ip_network
from math import floor
from typing import Any

Row = dict[str, Any]
Tree = Callable[[Row], Any]
_TOKEN = re.compile(
    r"""
    \s*(?: (?P<text>"(?:[^"\\]|\\.)*") | '(?P<field>[^']*)' | (?P<number>\d+(?:\.\d+)?)
         | (?P<name>[A-Za-z_]\w*) | (?P<mark>>=|<=|!=|==|[=<>+\-*/(),.]) )""",
    re.X,
)


class Fault(AssertionError):
    """The search depends on something that is not documented, or is wrong."""


def text_of(value: Any) -> Any:
    """A number as Splunk writes it into text: whole numbers without a point."""
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else f"{Decimal(repr(value)):f}"
    return value


def number_of(value: Any) -> float | None:
    """What sum() and tonumber() read: a number, or text that is one; anything else is null."""
    if isinstance(value, float):
        return value
    return float(value) if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) else None


def single(value: Any, what: str) -> Any:
    """Refuses a multivalue field: what the function does with it is not documented."""
    if isinstance(value, list):
        raise Fault(f"{what} of a multivalue field {value!r}")
    return value


def matches(value: Any, pattern: Any) -> bool | None:
    """match(SUBJECT, REGEX): unanchored; null for a null (eval functions, comparison and conditional)."""
    if value is None:
        return None
    if not isinstance(single(value, "match"), str):
        raise Fault(f"match of the number {value!r}")
    return re.search(pattern, value) is not None


def in_network(network: str, value: Any) -> bool | None:
    """cidrmatch: a name is in no network (a dest of the data model may be one)."""
    if value is None:
        return None
    return _within(network, single(value, "cidrmatch"))


@lru_cache(maxsize=4096)
def _within(network: str, text: str) -> bool:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    wanted = ip_network(network)
    return address.version == wanted.version and address in wanted


def rounded(value: float | None, digits: float = 0.0) -> float | None:
    """round(): half away from zero."""
    if value is None:
        return None
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP))


def _extreme(choose: Callable[..., float]) -> Callable[..., float]:
    def of(*values: Any) -> float:
        if not all(isinstance(value, float) for value in values):
            raise Fault(f"{choose.__name__}{values}: nulls and texts compare by rules that are not documented")
        return choose(values)

    return of


def _mvindex(value: Any, place: float) -> Any:
    """mvindex: a field with one value is a list of one; null outside (multivalue eval functions)."""
    if value is None:
        return None
    items = value if isinstance(value, list) else [value]
    return items[int(place)] if -len(items) <= place < len(items) else None


def _texted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def of(value: Any, *rest: Any) -> Any:
        if value is not None and not isinstance(single(value, name), str):
            raise Fault(f"{name} of the number {value!r}")
        return None if value is None else call(value, *rest)

    return of


_COMPARE = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_COMPUTE = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "match": matches,
    "cidrmatch": in_network,
    "round": rounded,
    "mvindex": _mvindex,
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "isnull": lambda value: value is None,
    "isnotnull": lambda value: value is not None,
    "null": lambda: None,
    "true": lambda: True,
    "tonumber": lambda value: number_of(single(value, "tonumber")),
    "tostring": lambda value: text_of(single(value, "tostring")),
    "floor": lambda value: None if value is None else float(floor(value)),
    "lower": _texted("lower", str.lower),
    "split": _texted("split", lambda text, by: text.split(by)),
    "replace": _texted("replace", lambda text, pattern, new: re.sub(pattern, new, text)),
    "mvcount": lambda value: None if value is None else float(len(value) if isinstance(value, list) else 1),
    "printf": lambda form, *values: form % tuple(map(int, values)),  # %d of whole numbers, no other conversion is used
    "min": _extreme(min),
    "max": _extreme(max),
    "in": lambda value, *wanted: None if value is None else text_of(value) in {text_of(item) for item in wanted},
}


class Parser:
    """Recursive descent over one expression; each method gives a function from a row to a value."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if not found:
                raise Fault(f"cannot read {text[at : at + 30]!r}")
            self.tokens.append((found.lastgroup or "", found.group(found.lastgroup or 0)))
            at = found.end()
        self.at = 0

    def assignments(self) -> list[tuple[str, Tree]]:
        """``a=x, b=y`` of an eval; later ones read what earlier ones wrote."""
        made = []
        while True:
            kind, name = self._next()
            if kind not in ("name", "field") or not self._take("="):
                raise Fault(f"expected NAME=, got {name!r}")
            made.append((name, self._or()))
            if not self._take(","):
                return self._done(made)

    def whole(self) -> Tree:
        """One expression; Fault when something is left over."""
        return self._done(self._or())

    def _done(self, made: Any) -> Any:
        if self.at != len(self.tokens):
            raise Fault(f"left over: {self.tokens[self.at :][:5]}")
        return made

    def _next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise Fault("the expression ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _take(self, *wanted: str) -> str:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        if kind not in ("mark", "name") or text.upper() not in wanted:
            return ""
        self.at += 1
        return text.upper()

    def _or(self) -> Tree:
        left = self._and()
        while self._take("OR"):
            left = (lambda a, b: lambda row: _either(a(row), b(row)))(left, self._and())
        return left

    def _and(self) -> Tree:
        left = self._not()
        while self._take("AND"):
            left = (lambda a, b: lambda row: _both(a(row), b(row)))(left, self._not())
        return left

    def _not(self) -> Tree:
        if self._take("NOT"):
            inner = self._not()
            return lambda row: None if (value := inner(row)) is None else not value
        return self._comparison()

    def _comparison(self) -> Tree:
        left = self._sum()
        if mark := self._take("=", "==", "!=", ">=", "<=", ">", "<"):
            right = self._sum()
            return lambda row: compared(mark, left(row), right(row))
        return left

    def _sum(self) -> Tree:
        left = self._product()
        while mark := self._take("+", "-", "."):
            left = (lambda m, a, b: lambda row: computed(m, a(row), b(row)))(mark, left, self._product())
        return left

    def _product(self) -> Tree:
        left = self._atom()
        while mark := self._take("*", "/"):
            left = (lambda m, a, b: lambda row: computed(m, a(row), b(row)))(mark, left, self._atom())
        return left

    def _arguments(self) -> list[Tree]:
        items: list[Tree] = []
        while not self._take(")"):
            items.append(self._or())
            self._take(",")
        return items

    def _atom(self) -> Tree:
        if self._take("("):
            tree = self._or()
            if not self._take(")"):
                raise Fault("a parenthesis is not closed")
            return tree
        if self._take("-"):
            inner = self._atom()
            return lambda row: -inner(row)
        kind, text = self._next()
        if kind in ("text", "number"):
            value = re.sub(r'\\(["\\])', r"\1", text[1:-1]) if kind == "text" else float(text)
            return lambda row: value
        if kind == "name" and self._take("("):
            return called(text, self._arguments())
        if kind not in ("name", "field"):
            raise Fault(f"unexpected {text!r}")
        return lambda row: row.get(text)


def called(name: str, items: list[Tree]) -> Tree:
    """A function call; if and case look at one branch only, and a null condition is not true."""
    if name == "if":
        condition, yes, no = items
        return lambda row: yes(row) if condition(row) is True else no(row)
    if name == "case":
        pairs = list(zip(items[::2], items[1::2], strict=True))
        return lambda row: next((value(row) for condition, value in pairs if condition(row) is True), None)
    if name not in _FUNCTIONS:
        raise Fault(f"{name} is no function here")
    call = _FUNCTIONS[name]
    if len(items) == 1:
        (only,) = items
        return lambda row: call(only(row))
    if len(items) == 2:
        first, second = items
        return lambda row: call(first(row), second(row))
    return lambda row: call(*(item(row) for item in items))


def _both(a: Any, b: Any) -> bool | None:
    return False if a is False or b is False else None if a is None or b is None else True


def _either(a: Any, b: Any) -> bool | None:
    return True if a is True or b is True else None if a is None or b is None else False


def compared(mark: str, a: Any, b: Any) -> bool | None:
    """A comparison: null when a side is null; a number and text that is one compare as numbers."""
    if a is None or b is None:
        return None
    if isinstance(single(a, mark), float) or isinstance(single(b, mark), float):
        left, right = number_of(a), number_of(b)
        if left is None or right is None:
            raise Fault(f"{a!r} {mark} {b!r} compares two types")
    elif mark in ("=", "==", "!="):
        left, right = a, b
    else:
        raise Fault(f"{a!r} {mark} {b!r}: texts have no order here")
    return _COMPARE[mark](left, right)


def computed(mark: str, a: Any, b: Any) -> Any:
    """Arithmetic on numbers, ``.`` joins texts; null when a side is null."""
    if a is None or b is None:
        return None
    if mark == ".":
        return f"{text_of(single(a, mark))}{text_of(single(b, mark))}"
    left, right = number_of(single(a, mark)), number_of(single(b, mark))
    if left is None or right is None:
        raise Fault(f"{a!r} {mark} {b!r}")
    if mark == "/":
        return left / right if right else None
    return _COMPUTE[mark](left, right)

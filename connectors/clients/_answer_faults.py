"""What is wrong with an answer of a product, as a person says it, and never in the words of the parser."""

from pydantic import ValidationError

_EXPECTED = {
    "missing": "is missing",
    "too_short": "is empty",
    "string_too_short": "is empty",
    "string_too_long": "is too long",
    "greater_than_equal": "expected a number of at least 0",
}
# The beginnings of pydantic's names of faults, and what was expected.
_KINDS = {
    "int_": "a whole number",
    "float_": "a number",
    "bool_": "true or false",
    "string_": "text",
    "list_": "a list",
    "tuple_": "a list",
    "dict_": "an object",
    "mapping_": "an object",
    "model_": "an object",
    "datetime_": "a time",
    "timezone_": "a time with its zone",
}


def first_fault(fault: ValidationError) -> str:
    """The first thing that is wrong with an answer, as a person says it: ``resultCount: expected a whole number``."""
    first = fault.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:100] or "the body"
    kind = next((word for prefix, word in _KINDS.items() if first["type"].startswith(prefix)), "")
    return f"{where}: {_EXPECTED.get(first['type']) or (f'expected {kind}' if kind else 'of no known form')}"

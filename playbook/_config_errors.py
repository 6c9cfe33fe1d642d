"""What a wrong value of the configuration is called: what was expected there, in plain words, and what stands there."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_LONGEST = 80
# A value under such a key, or one that carries a password, is never shown.
_SECRET = re.compile(r"token|secret|passw|key|credential", re.IGNORECASE)
_NETWORK = "an address or a network, such as 192.0.2.7 or 10.0.0.0/8, without host bits"
# The kind of error -> what was expected, from the error's own context.
_EXPECTED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "ip_v4_network": lambda _: _NETWORK,
    "ip_v6_network": lambda _: _NETWORK,
    "ip_any_network": lambda _: _NETWORK,
    "ip_any_address": lambda _: "an address, such as 192.0.2.7",
    "string_type": lambda _: "a text in quotes",
    "path_type": lambda _: "the path of a file",
    "int_type": lambda _: "a whole number",
    "int_parsing": lambda _: "a whole number",
    "int_from_float": lambda _: "a whole number",
    "float_type": lambda _: "a number",
    "float_parsing": lambda _: "a number",
    "bool_type": lambda _: "true or false",
    "bool_parsing": lambda _: "true or false",
    "list_type": lambda _: "a list in brackets",
    "tuple_type": lambda _: "a list in brackets",
    "frozen_set_type": lambda _: "a list in brackets",
    "dict_type": lambda _: "a table",
    "model_type": lambda _: "a table",
    "model_attributes_type": lambda _: "a table",
    "greater_than": lambda context: f"more than {context['gt']}",
    "greater_than_equal": lambda context: f"{context['ge']} or more",
    "less_than": lambda context: f"less than {context['lt']}",
    "less_than_equal": lambda context: f"{context['le']} or less",
    "literal_error": lambda context: f"one of {context['expected']}",
    "enum": lambda context: f"one of {context['expected']}",
    "string_too_short": lambda context: f"a text of {context['min_length']} characters or more",
    "string_too_long": lambda context: f"a text of {context['max_length']} characters or fewer",
    "too_short": lambda context: f"{context['min_length']} entries or more",
    "too_long": lambda context: f"{context['max_length']} entries or fewer",
    "string_pattern_mismatch": lambda context: f"a text of the form {context['pattern']}",
}


def described(error: Mapping[str, Any], keys: list[str]) -> str:
    """One error of a validation (pydantic's dictionary with its input), for the value at ``keys``."""
    if error["type"] == "missing":
        return "is missing"
    expected = _EXPECTED.get(error["type"])
    if expected is not None:
        text = f"expected {expected(error.get('ctx', {}))}"
    else:
        text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
        text = re.sub(r"^Input should be ", "expected ", text)
    shown = _shown(error.get("input"), keys)
    return f"{text}, not {shown}" if shown and shown.strip('"') not in text else text


def _shown(value: object, keys: list[str]) -> str:
    """The value as the file has it; "" for one that is long, no single value, or may be a secret."""
    if not isinstance(value, str | int | float | bool) or any(_SECRET.search(key) for key in keys):
        return ""
    if isinstance(value, str) and "@" in value:
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST and text.isprintable() else ""

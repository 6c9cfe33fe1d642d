"""Looks for secrets in cassettes: planted canaries in every encoding, and the shapes that credentials have."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import yaml

# Every secret that a recording test uses begins with this; its characters change under percent-encoding and base64.
CANARY = "canary/Zq9+kept=out"

_SHAPES = {
    "a bearer token": re.compile(r"\bBearer\s+[\w.~+/-]{8,}", re.I),
    "a basic credential": re.compile(r"\bBasic\s+[A-Za-z0-9+/]{8,}={0,2}", re.I),
    "a JWT": re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}"),
    "an AWS key id": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a Slack token": re.compile(r"\bxox[abeoprs]-[\w-]{8,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a password": re.compile(r"(?:password|passwd|client_secret|api_key)[\"']?\s*[=:]\s*[\"']?[^\s\"'&<]{4,}", re.I),
}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONG_HEX = re.compile(r"[0-9a-fA-F]{40,}")
_HEADERS = frozenset(
    {
        "accept",
        "accept-language",
        "content-type",
        "etag",
        "if-modified-since",
        "if-none-match",
        "last-modified",
        "location",
        "retry-after",
        "www-authenticate",
        "x-next-page",
        "x-taxii-date-added-last",
        "x-total-count",
    }
)


def canary(name: str) -> str:
    """The planted secret that stands for the credential called ``name``."""
    return f"{CANARY}:{name}"


def canary_forms() -> tuple[str, ...]:
    """The canary as it may appear: plain, percent-encoded, and base64 at each of the three alignments."""
    forms = [CANARY, quote(CANARY, safe=""), quote(CANARY), quote_plus(CANARY)]
    raw = CANARY.encode()
    for skew in range(3):
        whole = base64.b64encode(b"\0" * skew + raw).decode().rstrip("=")
        middle = whole[4 if skew else 0 : -4]
        forms += [middle, middle.replace("+", "-").replace("/", "_")]
    return tuple(dict.fromkeys(forms))


def _texts(node: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(value, f"{where}.{key}".lstrip("."))
            yield where, str(key)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _texts(value, where)
    else:
        yield where, node.decode("latin-1") if isinstance(node, bytes) else str(node)


def leaks(text: str) -> tuple[str, ...]:
    """What in a cassette's text looks like a secret or a header outside the allow-list, one sentence each.

    Reads the parsed values as well as the raw text: YAML folds long strings over several lines.
    """
    document = yaml.load(text, Loader=LOADER)
    values = [*_texts(document), ("raw text", text)]
    found = []
    for where, value in values:
        found += [f"{where}: a canary" for form in canary_forms() if form in value]
        found += [f"{where}: {what}" for what, shape in _SHAPES.items() if shape.search(value)]
        if ".headers." in where and _LONG_HEX.search(value):
            found.append(f"{where}: a long hexadecimal string in a header")
    for interaction in document.get("interactions", ()):
        for side in ("request", "response"):
            names = {name.lower() for name in interaction[side].get("headers", {})}
            found += [f"{side}: header {name} is not on the allow-list" for name in sorted(names - _HEADERS)]
    return tuple(dict.fromkeys(found))


def allowed_headers(headers: dict[str, Any]) -> dict[str, Any]:
    """Only the headers a cassette may hold."""
    return {name: value for name, value in headers.items() if name.lower() in _HEADERS}


def leaks_in(folder: Path) -> tuple[str, ...]:
    """The leaks of every cassette below ``folder``, with the file's name in front."""
    files = sorted(folder.rglob("*.yaml"))
    return tuple(f"{file.name}: {leak}" for file in files for leak in leaks(file.read_text(encoding="utf-8")))

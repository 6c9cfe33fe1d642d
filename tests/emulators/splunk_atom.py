"""The XML that splunkd speaks unless it is asked for JSON: what the vendor's own client reads."""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

_FEED = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="http://www.w3.org/2005/Atom"'
    ' xmlns:s="http://dev.splunk.com/ns/rest" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
)
_ACCESS = {"app": "search", "owner": "svc", "sharing": "global"}


def response(**parts: str) -> str:
    """``<response>`` with one element per part."""
    return "<response>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in parts.items()) + "</response>"


def entry(name: str, content: Mapping[str, Any]) -> str:
    """One Atom entry as the root, as a search job is."""
    return _FEED.format(root="entry") + _inside(name, content) + "</entry>"


def feed(name: str, content: Mapping[str, Any]) -> str:
    """A feed of one entry, as server/info is."""
    return f"{_FEED.format(root='feed')}<title>{name}</title><entry>{_inside(name, content)}</entry></feed>"


def messages(said: list[dict[str, str]]) -> str:
    """``<messages>`` of an error."""
    inner = "".join(f'<msg type="{one["type"]}">{escape(one["text"])}</msg>' for one in said)
    return f"<response><messages>{inner}</messages></response>"


def _inside(name: str, content: Mapping[str, Any]) -> str:
    keys = _keys({"eai:acl": _ACCESS, **content})
    return (
        f"<title>{escape(name)}</title><id>{escape(name)}</id><updated>2026-11-24T00:00:00+00:00</updated>"
        f'<link href="/services/search/v2/jobs/{escape(name)}" rel="alternate"/>'
        f'<content type="text/xml"><s:dict>{keys}</s:dict></content>'
    )


def _keys(content: Mapping[str, Any]) -> str:
    return "".join(f'<s:key name="{key}">{_value(value)}</s:key>' for key, value in content.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"<s:dict>{_keys(value)}</s:dict>"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list):
        return "<s:list>" + "".join(f"<s:item>{escape(str(one))}</s:item>" for one in value) + "</s:list>"
    return escape(str(value))

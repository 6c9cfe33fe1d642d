"""The XML that goes to PAN-OS and comes back: built as a tree, read without entities, errors by their code."""

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from connectors.containments._targets import single
from connectors.http import printable
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Unauthorized
from playbook.model.address import Address

_CREDENTIALS = frozenset({"16", "22", "403"})  # unauthorized, session timed out, forbidden
# A tag that is there already, or gone already, is an "error" whose every line ends so.
_ALREADY = ("already exists, ignore", "does not exist, ignore unreg")


def register(address: Address, tags: Iterable[str], timeout_s: int) -> bytes:
    """Add tags that end by themselves to one address."""
    return _update("register", address, tags, {"timeout": str(timeout_s)})


def unregister(address: Address, tags: Iterable[str]) -> bytes:
    """Take tags off one address."""
    return _update("unregister", address, tags, {})


def show_address(address: Address) -> bytes:
    """Ask for the tags of one address."""
    root, place = _show()
    ET.SubElement(place, "ip").text = str(address)
    return ET.tostring(root)


def show_tag(tag: str) -> bytes:
    """Ask for the addresses of one tag."""
    root, place = _show()
    ET.SubElement(ET.SubElement(place, "tag"), "entry", {"name": tag})
    return ET.tostring(root)


def entries(body: bytes, subject: str) -> dict[Address, tuple[str, ...]]:
    """The tags of each address in an answer to ``show``; ranges and networks of others are left out.

    BadAnswer when the answer counts more entries than it holds, or is of another form: never "no tags" by mistake.
    """
    root = _succeeded(_parsed(body, subject), subject)
    result = root.find("./result")
    if result is None:
        raise BadAnswer(f"{subject}: an answer without a result")
    rows = result.findall("./entry")
    count = (result.findtext("./count") or "").strip()
    strange = [child.tag for child in result if child.tag not in ("entry", "count")]
    if strange or (count and (not count.isdecimal() or int(count) != len(rows))):
        shown = f"{subject}: PAN-OS shows {len(rows)} registered addresses"
        told = f"and counts {count[:20]!r}" if count else f"and something of no known form ({strange[0][:40]!r})"
        raise BadAnswer(f"{printable(f'{shown} {told}')}: whether the address is blocked is not known")
    found: dict[Address, tuple[str, ...]] = {}
    for row in rows:
        try:
            address = single((row.get("ip") or "").removesuffix("/32").removesuffix("/128"))
        except ConfigError:
            continue
        found[address] = tuple((member.text or "").strip() for member in row.findall("./tag/member"))
    return found


def updated(body: bytes, subject: str) -> None:
    """Nothing when an update was taken, or was so already; else the error of its code."""
    root = _parsed(body, subject)
    said = [row.get("message") or "" for row in root.iter("entry")]
    if root.get("status") == "error" and said and all(text.strip().endswith(_ALREADY) for text in said):
        return
    _succeeded(root, subject)


def _update(verb: str, address: Address, tags: Iterable[str], attributes: dict[str, str]) -> bytes:
    root = ET.Element("uid-message")
    ET.SubElement(root, "version").text = "2.0"
    ET.SubElement(root, "type").text = "update"
    entry = ET.SubElement(ET.SubElement(ET.SubElement(root, "payload"), verb), "entry", {"ip": str(address)})
    holder = ET.SubElement(entry, "tag")
    for tag in tags:
        ET.SubElement(holder, "member", attributes).text = tag
    return ET.tostring(root)


def _show() -> tuple[ET.Element, ET.Element]:
    root = ET.Element("show")
    return root, ET.SubElement(ET.SubElement(root, "object"), "registered-ip")


def _parsed(body: bytes, subject: str) -> ET.Element:
    if b"<!" in body.replace(b"<![CDATA[", b""):
        raise BadAnswer(f"{subject}: an answer with a document type or entities is not read")
    try:
        root = ET.fromstring(body)
    except (ET.ParseError, ValueError, LookupError):
        raise BadAnswer(f"{subject}: expected XML") from None
    if root.tag != "response":
        raise BadAnswer(f"{subject}: expected a response element")
    return root


def _succeeded(root: ET.Element, subject: str) -> ET.Element:
    if root.get("status") == "success":
        return root
    code = root.get("code") or ""
    words = [*(t.strip() for t in root.itertext()), *(e.get("message") or "" for e in root.iter("entry"))]
    said = printable(" ".join(filter(None, words)))[:300]
    kind: type[ConnectorError] = Unauthorized if code in _CREDENTIALS else BadAnswer
    raise kind(f"{subject}: PAN-OS answered with an error (code {printable(code)[:20] or 'none'}): {said}")

"""What Jira is sent as text: JQL whose values are quoted, and bodies in which nothing is markup."""

import re
from typing import Any

from connectors.tickets._idempotency import objects
from playbook.errors import ConfigError


def quoted(value: str) -> str:
    """``value`` as a string of JQL; ConfigError when it holds characters that are not printable."""
    if not value.isprintable():
        raise ConfigError(f"{value[:60]!r} cannot be searched for in Jira")
    return '"' + re.sub(r'([\\"])', r"\\\1", value) + '"'


def where_key(field: str, key: str) -> str:
    """The JQL that finds the issues that carry ``key``, in any project and state, oldest first."""
    if field == "labels":
        return f"labels = {quoted(key)} ORDER BY created ASC"
    # a text field has no equality, only a phrase; the caller compares what comes back
    return f"cf[{field.removeprefix('customfield_')}] ~ {quoted(quoted(key))} ORDER BY created ASC"


def newest_of(project: str) -> str:
    """The JQL that finds the issue with the highest number of ``project`` first."""
    return f"project = {quoted(project)} ORDER BY key DESC"


def document(text: str) -> dict[str, Any]:
    """``text`` as an Atlassian document: text nodes, one paragraph a line, in which nothing is markup."""
    lines = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []} for line in text.split("\n")
    ]
    return {"type": "doc", "version": 1, "content": lines}


def wiki(text: str) -> str:
    """``text`` for the wiki renderer: preformatted, so that mentions, images, links and macros stay letters."""
    return "{noformat}\n" + re.sub(r"\{(?=\s*noformat)", "(", text, flags=re.IGNORECASE) + "\n{noformat}"


def texts_of(body: Any) -> str:
    """All text of a comment's body, wiki or document."""
    if isinstance(body, dict):
        return str(body.get("text", "")) + "".join(texts_of(part) for part in objects(body.get("content")))
    return body if isinstance(body, str) else ""


def upload_form(file: str, content: bytes, boundary: str) -> bytes:
    """A multipart body with one file."""
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode()

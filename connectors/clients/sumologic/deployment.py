"""Which host an account lives on: the deployment table, the forms people write, and what a 301 says."""

import re
from urllib.parse import urlsplit

from playbook.errors import ConfigError

# reference: Sumo Logic, "API Authentication, Endpoints, and Security"; `in` left the table, `esc` is in their provider.
DEPLOYMENTS = ("us1", "us2", "au", "ca", "ch", "de", "eu", "fed", "jp", "kr", "in", "esc")
UNLISTED = frozenset({"in", "esc"})
_HOST = re.compile(r"(?:api|service)(?:\.([a-z0-9]+))?\.sumologic\.com")
_TAIL = re.compile(r"(?:/api)?(?:/(?:v1|sec/v1))?/?")


def api_root(written: str, subject: str) -> str:
    """The root ``https://host`` for a deployment's name or any form of its URL (UI host, ``/api``, ``/api/v1``).

    Another host is kept as it is (a proxy, an emulator on loopback) with the same tail removed.
    Raises ConfigError naming the deployments when the text is neither.
    """
    text = written.strip().rstrip("/")
    if text.lower() in DEPLOYMENTS:
        return host_url(text.lower())
    if "://" not in text:
        raise ConfigError(f"{subject}: expected https://api.DEPLOYMENT.sumologic.com or one of {_known()}")
    parts = urlsplit(text)
    if not _TAIL.fullmatch(parts.path):
        raise ConfigError(f"{subject}: expected no path after the host but /api or /api/v1")
    found = _HOST.fullmatch((parts.hostname or "").lower())
    if not found:
        return f"{parts.scheme}://{parts.netloc}"
    if (found.group(1) or "us1") not in DEPLOYMENTS:
        raise ConfigError(f"{subject}: no deployment {found.group(1)!r}; known: {_known()}")
    return host_url(found.group(1) or "us1")


def host_url(deployment: str) -> str:
    """The API root of a deployment; only us1 has no infix."""
    infix = "" if deployment == "us1" else f".{deployment}"
    return f"https://api{infix}.sumologic.com"


def api_host(written: str) -> str:
    """The host that calls for this place go to. Raises ConfigError as ``api_root`` does."""
    return urlsplit(api_root(written, "base_url")).hostname or ""


def moved_to(location: str | None) -> str | None:
    """The API root that a 301 names, or None when it points anywhere but to a deployment over https."""
    parts = urlsplit(location or "")
    found = _HOST.fullmatch((parts.hostname or "").lower())
    if parts.scheme != "https" or not found or (found.group(1) or "us1") not in DEPLOYMENTS:
        return None
    return host_url(found.group(1) or "us1")


def _known() -> str:
    return ", ".join(DEPLOYMENTS)

"""An application's token of Microsoft Entra ID, and calls under it: client credentials, renewed when they end.

From Microsoft's documentation; no tenant was at hand.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from connectors.http import Clocks, Credential, Reply, ReplyBounds, Transport, printable, segment
from connectors.http.token_auth import RefreshingToken
from playbook.errors import BadAnswer

LOGIN = "https://login.microsoftonline.com"
TENANT = r"^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$"
CLIENT = r"^[0-9A-Fa-f-]{36}$"


@dataclass(frozen=True)
class Application:
    """An app registration: the tenant's id or domain, the application's id and its secret, and where it logs in."""

    tenant: str
    client_id: str
    client_secret: SecretStr
    login_url: str = LOGIN


def api_of(
    subject: str,
    base_url: str,
    application: Application,
    bounds: ReplyBounds,
    clocks: Clocks,
    ca_file: Path | None = None,
) -> RefreshingToken:
    """Calls to ``base_url`` as ``application``. Raises ConfigError for a URL that may not be used."""
    setting = getattr(application.client_secret, "variable", "client_secret")

    def opened(credential: Credential | None) -> Transport:
        url = base_url if credential else application.login_url
        return Transport(url, subject=subject, credential=credential, bounds=bounds, clocks=clocks, ca_file=ca_file)

    def log_in(plain: Transport) -> Reply:
        form = {
            "grant_type": "client_credentials",
            "client_id": application.client_id,
            "client_secret": application.client_secret.get_secret_value(),
            "scope": f"{base_url.rstrip('/')}/.default",
        }
        path = f"/{segment(application.tenant)}/oauth2/v2.0/token"
        return plain.post(path, data=form, retry=True, passes={400, 401, 403})

    opened(None), opened(Credential(setting, SecretStr("none")))  # a URL that may not be used is told at once
    return RefreshingToken(opened, log_in, setting, "access_token")


def places_of(*urls: str) -> tuple[str, ...]:
    """The hosts of these URLs, which are never blocked."""
    return tuple(urlsplit(url).hostname or "" for url in urls)


def reason_of(reply: Reply) -> str:
    """Code and message of an error body, safe to show; "" when it has none."""
    try:
        body = reply.json()
    except BadAnswer:
        return ""
    error = body.get("error") if isinstance(body, dict) else None
    words = [error.get("code"), error.get("message")] if isinstance(error, dict) else []
    text = ": ".join(word for word in words if isinstance(word, str) and word)
    return reply.redact(" ".join(printable(text).split()))[:300]

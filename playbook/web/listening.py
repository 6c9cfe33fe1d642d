"""Where serve may listen, and by which address people come."""

from urllib.parse import urlsplit

from playbook.config import Config
from playbook.errors import ConfigError
from playbook.model.address import parse

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def may_listen(config: Config, file: str, host: str, port: int) -> str:
    """The address that people come by. Raises ConfigError when listening there would send passwords in the clear."""
    serve = config.serve
    tls = serve.tls_certificate is not None
    if tls != (serve.tls_key is not None):
        raise ConfigError(f"{file}: serve: tls_certificate and tls_key go together")
    address = parse(host)
    loopback = host == "localhost" or (address is not None and address.is_loopback)
    if not loopback and not tls and not serve.trust_forwarded_headers:
        raise ConfigError(
            f"{file}: serve: {host} is not a loopback address: set serve.tls_certificate and serve.tls_key, or "
            "serve.trust_forwarded_headers = true when something in front of it speaks TLS"
        )
    if not loopback and not serve.public_url:
        raise ConfigError(f"{file}: serve.public_url: needed when listening on {host}: how people reach the pages")
    place = urlsplit(serve.public_url)
    if serve.public_url and (
        not place.hostname
        or place.path not in ("", "/")
        or place.scheme not in (("https",) if place.hostname not in LOOPBACK else ("http", "https"))
    ):
        raise ConfigError(f"{file}: serve.public_url: expected https://HOST[:PORT]")
    shown = f"[{host}]" if ":" in host else host
    return serve.public_url.rstrip("/") or f"{'https' if tls else 'http'}://{shown}:{port}"

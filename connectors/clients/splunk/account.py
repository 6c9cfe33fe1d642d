"""How an account of Splunk is written in a table of the configuration, and where it lives."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from connectors.http import Clocks, Credential, ReplyBounds, Transport, checked_url
from playbook.errors import ConfigError
from playbook.model import Value

MAX_BYTES = 64 * 1024 * 1024  # a page of 50,000 rows with room for their lists


class Account(Value):
    """Where the management port is, and how to prove who we are.

    ``base_url`` is ``https://host:8089``. Either ``token`` (an authentication token), or ``username`` and ``password``
    with ``auth`` "session" (a login, then its session key) or "basic". ``ca_file`` is a PEM file that the server's
    certificate is checked against, relative to the configuration. ``rate`` is requests per second; ``deadline_s``
    bounds one search.
    """

    base_url: str
    token: SecretStr | None = None
    username: SecretStr | None = None
    password: SecretStr | None = None
    auth: Literal["session", "basic"] = "session"
    ca_file: Path | None = None
    rate: float = Field(default=5.0, gt=0, le=50)
    deadline_s: float = Field(default=600.0, ge=10, le=3600)

    @model_validator(mode="after")
    def _proven(self) -> "Account":
        pair = self.username is not None and self.password is not None
        if (self.token is not None) == pair or (self.username is None) != (self.password is None):
            raise ValueError("expected either token, or username and password")
        for name, secret in (("token", self.token), ("username", self.username), ("password", self.password)):
            if secret is not None and not secret.get_secret_value():
                raise ValueError(f"{name} is empty")
        return self

    @property
    def proof(self) -> str:
        """Where the credentials came from: the variables, else the settings; never a value."""
        given = {"token": self.token, "username": self.username, "password": self.password}
        return " and ".join(getattr(one, "variable", name) for name, one in given.items() if one is not None)


class Opener:
    """Transports to one account's server, signed or not."""

    def __init__(self, name: str, account: Account, folder: Path, clocks: Clocks) -> None:
        self._name, self._clocks = name, clocks
        self._root = checked_url(account.base_url.rstrip("/"), f"{name}.base_url")
        self._ca_file = folder / account.ca_file if account.ca_file else None
        if self._ca_file is not None and not self._ca_file.is_file():
            raise ConfigError(f"{name}.ca_file: no file {self._ca_file}")
        self._bounds = ReplyBounds(deadline_s=60.0, max_bytes=MAX_BYTES, min_interval_s=1.0 / account.rate)

    def __call__(self, credential: Credential | None) -> Transport:
        """A transport that signs with ``credential``; None: with nothing."""
        return Transport(
            self._root,
            subject=self._name,
            credential=credential,
            bounds=self._bounds,
            clocks=self._clocks,
            ca_file=self._ca_file,
        )

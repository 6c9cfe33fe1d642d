"""Mail as a notifier: plain text, over TLS with checked certificates; only a server on this machine may do without."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, StringConstraints, model_validator

from connectors.http import Clocks, is_loopback
from connectors.notifiers._messages import lines_of, message_id
from playbook.errors import BadAnswer, ConnectorError, Incomplete, Unauthorized, Unreachable
from playbook.model import Value
from playbook.model.check import CheckResult
from playbook.model.response import Notice
from playbook.model.site import Site

_MOST = 100_000
Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9.-]{1,253}$")]


class Settings(Value):
    """The submission server, how the connection is protected, and from whom to whom.

    ``security`` "starttls" (port 587) or "tls" (port 465); "none" only for a server on this machine. ``user`` and
    ``password_env`` go together. ``hello`` is the name we greet with. ``ca_file`` is relative to the configuration.
    """

    host: str = Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = Field(default="", max_length=200)
    password: SecretStr | None = None
    sender: Address
    recipients: tuple[Address, ...] = Field(min_length=1, max_length=50)
    hello: str = Field(default="localhost.localdomain", pattern=r"^[A-Za-z0-9.:\[\]-]{1,253}$")
    ca_file: Path | None = None
    deadline_s: float = Field(default=30.0, ge=1, le=300)

    @model_validator(mode="after")
    def _usable(self) -> "Settings":
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password_env go together")
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError("security none is for a mail server on this machine only")
        return self


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "Smtp":  # noqa: B008
    """The notifier called ``name``; nothing is opened before it is needed."""
    return Smtp(name, settings, settings.ca_file and folder / settings.ca_file, clocks)


class Smtp:
    """A ``Notifier``. A repeat of one notice carries the same Message-ID."""

    def __init__(self, name: str, settings: Settings, ca_file: Path | None, clocks: Clocks) -> None:
        self.name = name
        self._settings = settings
        self._ca_file = ca_file
        self._clocks = clocks

    def message(self, notice: Notice) -> EmailMessage:
        """The mail: no header holds a line end, and the body is plain text."""
        settings, lines = self._settings, lines_of(notice, _MOST)
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = settings.sender, ", ".join(settings.recipients)
        mail["Subject"] = f"[botnet-playbook] {lines.title}"
        mail["Date"] = formatdate(self._clocks.wall())
        mail["Message-ID"] = f"<{message_id(notice.key)}@{settings.sender.partition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        if notice.urgent:
            mail["Importance"] = "high"
        case = f"Case: {lines.link}\n\n" if lines.link else ""
        mail.set_content(f"{lines.title}\n\n{lines.text}\n\n{case}{lines.footer}\n", charset="utf-8")
        return mail

    def tell(self, notice: Notice) -> None:
        """Hand the mail over; Incomplete when only some recipients were taken."""
        mail = self.message(notice)
        with self._server() as server:
            refused = server.send_message(mail)
        if refused:
            asked = len(self._settings.recipients)
            raise Incomplete(f"{self.name}: the server refused {len(refused)} of {asked} recipients")

    def check(self) -> tuple[CheckResult, ...]:
        """Connection, certificate and login; no mail is sent."""
        subject = f"{self._settings.host}:{self._settings.port}"
        try:
            with self._server() as server:
                server.noop()
        except ConnectorError as fault:
            return (CheckResult.failed(subject, fault),)
        return (CheckResult(subject=subject, ok=True, message=f"answers ({self._settings.security})"),)

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        """A session that is logged in; every fault of it, and of what is done in it, as one of our errors."""
        try:
            server = self._connected()
            try:
                with _ended_by(server, self._settings.deadline_s):
                    self._log_in(server)
                    yield server
                    with suppress(smtplib.SMTPException, OSError):  # what was taken is taken
                        server.quit()
            finally:
                server.close()
        except smtplib.SMTPAuthenticationError as fault:
            named = getattr(self._settings.password, "variable", "password")
            raise Unauthorized(f"{self.name}: the server refused user and {named} ({fault.smtp_code})") from None
        except smtplib.SMTPNotSupportedError:
            raise BadAnswer(f"{self.name}: the server does not offer STARTTLS, or no login that we know") from None
        except smtplib.SMTPRecipientsRefused:
            raise BadAnswer(f"{self.name}: the server refused every recipient") from None
        except smtplib.SMTPResponseException as fault:
            kind = Unreachable if 400 <= fault.smtp_code < 500 else BadAnswer
            raise kind(f"{self.name}: the server answered {fault.smtp_code}") from None
        except ssl.SSLCertVerificationError:
            raise Unreachable(f"{self.name}: the server's certificate could not be verified") from None
        except (smtplib.SMTPException, OSError, ValueError) as fault:
            raise Unreachable(f"{self.name}: no answer from {self._settings.host}: {type(fault).__name__}") from None

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        place = (settings.host, settings.port, settings.hello)
        if settings.security == "tls":
            return _TlsSession(*place, timeout=settings.deadline_s, context=self._context())
        return _Session(*place, timeout=settings.deadline_s)

    def _log_in(self, server: smtplib.SMTP) -> None:
        settings = self._settings
        if settings.security == "starttls":
            server.starttls(context=self._context())
        if settings.password is not None:
            server.login(settings.user, settings.password.get_secret_value())

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


@contextmanager
def _ended_by(server: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """Shut the connection when the deadline passes: a timeout holds for one read, and a server may drip."""

    def shut() -> None:
        if server.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(server.sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class _Session(smtplib.SMTP):
    def connect(self, *place: Any, **options: Any) -> tuple[int, bytes]:
        """Connect and read the greeting within the deadline."""
        with _ended_by(self, self.timeout):
            return super().connect(*place, **options)


class _TlsSession(_Session, smtplib.SMTP_SSL):
    pass

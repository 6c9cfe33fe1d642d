"""Mail against a real SMTP server on loopback: TLS, logins, refusals, and what a hostile host name may not do."""

import email
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from email import policy
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connectors.http import Clocks
from connectors.notifiers import smtp
from playbook.errors import BadAnswer, ConnectorError, Incomplete, Unauthorized, Unreachable
from tests.support.notifier_fixtures import HOSTILE, LINK, notice
from tests.support.ticket_fixtures import NOW

# ``make test`` turns warnings into errors; aiosmtpd 1.4.6 warns about its own attributes.
pytestmark = [pytest.mark.loopback, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
PASSWORD = "a-password-of-the-tests"
SENT = 1_772_366_400


class Sink:
    """Keeps what it was given; refuses ``refuse`` recipients; ``data`` is what it says to a mail."""

    def __init__(self, refuse: tuple[str, ...] = (), data: str = "250 taken") -> None:
        self.refuse, self.data = refuse, data
        self.mails: list[tuple[str, list[str], bytes, bool]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content, session.ssl is not None))
        return self.data


def the_mail(sink: Sink) -> email.message.EmailMessage:
    ((_, _, content, _),) = sink.mails
    return email.message_from_bytes(content, policy=policy.default)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    if not which("openssl"):
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            str(folder / "key.pem"),
            "-out",
            str(folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


@contextmanager
def serving(sink: Sink, certificate: Path | None = None, implicit: bool = False, **options: Any) -> Iterator[int]:
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    given = {"ssl_context": context} if implicit else {"tls_context": context}
    controller = Controller(sink, hostname="127.0.0.1", port=_free_port(), server_hostname="sink", **given, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def connected(server_port: int, **change: Any) -> smtp.Smtp:
    usual = {
        "host": "127.0.0.1",
        "port": server_port,
        "security": "none",
        "sender": "soar@example.test",
        "recipients": ("soc@example.test", "lead@example.test"),
        "deadline_s": 5,
    }
    clocks = Clocks(wall=lambda: float(SENT))
    return smtp.connect("mail", smtp.Settings(**usual | change), NOW, Path(), clocks)


def test_a_notice_arrives():
    sink = Sink()
    with serving(sink) as port:
        connected(port).tell(notice(urgent=True))
        assert connected(port).check()[0].ok
    assert sink.mails[0][:2] == ("soar@example.test", ["soc@example.test", "lead@example.test"])
    mail = the_mail(sink)
    assert mail["Subject"] == "[botnet-playbook] URGENT: Approval wanted: block one address for pc-1"
    assert mail.get_content_type() == "text/plain" and mail["Auto-Submitted"] == "auto-generated"
    # "-0000" is UTC; Python gives it without a zone.
    assert mail["Date"].datetime.replace(tzinfo=UTC).timestamp() == SENT
    body = mail.get_content()
    assert f"Case: {LINK}\r\n" in body and "decides nothing" in body and "TRUE_POSITIVE" in body


def test_a_repeat_carries_the_same_message_id():
    sink = Sink()
    with serving(sink) as port:
        for key in ("a", "a", "b"):
            connected(port).tell(notice(key=key))
    first, again, other = (email.message_from_bytes(content)["Message-ID"] for _, _, content, _ in sink.mails)
    assert first == again != other


@given(title=st.text(max_size=120), text=st.text(max_size=200), link=st.text(max_size=60), key=st.text(max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_adds_a_header_or_a_part(title, text, link, key):
    mail = connected(25).message(notice(title=title, text=text, link=link, key=key))
    read = email.message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert set(read.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    }
    assert len(read.keys()) == 9 and not read.is_multipart() and read["To"] == "soc@example.test, lead@example.test"


def test_a_hostile_host_name_reaches_nobody_else():
    sink = Sink()
    with serving(sink) as port:
        connected(port).tell(notice(title=HOSTILE, text=f"{HOSTILE}\r\n.\r\nMAIL FROM:<x@example.test>", link=HOSTILE))
    assert sink.mails[0][1] == ["soc@example.test", "lead@example.test"] and len(sink.mails) == 1
    mail = the_mail(sink)
    assert mail["Bcc"] is None and "Bcc: everyone" in mail["Subject"]
    assert "\x1b" not in mail.get_content() and "\u202e" not in mail.get_content() and "Case:" not in mail.get_content()


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_the_certificate_is_checked_before_anything_is_said(certificate, implicit):
    sink, security = Sink(), "tls" if implicit else "starttls"
    with serving(sink, certificate, implicit) as port:
        with pytest.raises(Unreachable, match="certificate could not be verified"):
            connected(port, security=security).tell(notice())
        assert not sink.mails
        connected(port, security=security, ca_file=certificate).tell(notice())
    assert sink.mails[0][3] or implicit
    assert len(sink.mails) == 1


def test_no_starttls_no_mail():
    sink = Sink()
    with serving(sink) as port, pytest.raises(BadAnswer, match="STARTTLS"):
        connected(port, security="starttls").tell(notice())
    assert not sink.mails


def test_login(certificate):
    sink = Sink()

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    change = {"security": "starttls", "ca_file": certificate, "user": "soar"}
    with serving(sink, certificate, authenticator=check, auth_required=True) as port:
        connected(port, **change, password=SecretStr(PASSWORD)).tell(notice())
        wrong = connected(port, **change, password=SecretStr("wrong-password"))
        with pytest.raises(Unauthorized) as told:
            wrong.tell(notice())
        assert "wrong-password" not in str(told.value) and not wrong.check()[0].ok
    assert len(sink.mails) == 1


@pytest.mark.parametrize(
    "sink, expected, said",
    [
        (Sink(refuse=("lead@example.test",)), Incomplete, "1 of 2"),
        (Sink(refuse=("lead@example.test", "soc@example.test")), BadAnswer, "every recipient"),
        (Sink(data="451 try again later"), Unreachable, "451"),
        (Sink(data="554 spam"), BadAnswer, "554"),
    ],
    ids=["one refused", "all refused", "later", "never"],
)
def test_refusals(sink, expected, said):
    with serving(sink) as port, pytest.raises(expected, match=said):
        connected(port).tell(notice())


@contextmanager
def talking(act: Callable[[socket.socket], None]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                try:
                    act(peer)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def _drip(peer: socket.socket) -> None:
    for _ in range(200):
        peer.sendall(b"2")
        time.sleep(0.05)


def _drip_later(peer: socket.socket) -> None:
    peer.sendall(b"220 hello\r\n")
    _drip(peer)


@pytest.mark.parametrize(
    "act",
    [_drip, _drip_later, lambda peer: peer.sendall(b"nonsense\r\n"), lambda peer: None],
    ids=["greeting drips", "answer drips", "nonsense", "hang-up"],
)
def test_a_server_that_drips_or_talks_nonsense_costs_its_deadline(act):
    with talking(act) as port, pytest.raises(ConnectorError):
        connected(port, deadline_s=1).tell(notice())


def test_what_was_taken_is_taken_even_when_the_goodbye_is_lost():
    taken: list[bytes] = []

    def act(peer: socket.socket) -> None:
        lines = peer.makefile("rb")
        peer.sendall(b"220 hello\r\n")
        while (line := lines.readline()) and not line.upper().startswith(b"QUIT"):
            if not line.upper().startswith(b"DATA"):
                peer.sendall(b"250 OK\r\n")
                continue
            peer.sendall(b"354 go on\r\n")
            taken.append(b"".join(iter(lines.readline, b".\r\n")))
            peer.sendall(b"250 taken\r\n")

    with talking(act) as port:
        connected(port).tell(notice())
    assert len(taken) == 1


def test_nobody_listens():
    with pytest.raises(Unreachable):
        connected(1).tell(notice())


@pytest.mark.parametrize(
    "change",
    [
        {"sender": "a@b.example\r\nBcc: x@y.example"},
        {"recipients": ()},
        {"recipients": ("not an address",)},
        {"host": "mail.example.com"},
        {"user": "x"},
        {"hello": "a b"},
        {"port": 0},
    ],
)
def test_wrong_settings(change):
    with pytest.raises(ValidationError):
        connected(25, **change)

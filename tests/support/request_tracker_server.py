"""A real Request Tracker 5 (Debian's) on loopback for the integration tests: its own folder, database and port."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import stopwatch

SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
KEY_FIELD = "BotnetPlaybookKey"
_SETUP = "/usr/sbin/rt-setup-database-5"
_SITE = """
Set($rtname, 'test'); Set($Organization, 'test'); Set($WebDomain, '127.0.0.1'); Set($WebPort, %(port)d);
Set($WebPath, ''); Set($DatabaseType, 'SQLite'); Set($DatabaseName, '%(folder)s/rt.db');
Set($MailCommand, 'testfile'); Set($LogToSyslog, undef); Set($LogToSTDERR, 'error');
Set($WebSessionClass, 'Apache::Session::File'); Set($MasonSessionDir, '%(folder)s/sessions');
Set($MasonDataDir, '%(folder)s/mason');
1;
"""
# A user with the least rights that the connector needs, another with none, the field, and both tokens.
_PEOPLE = """
use RT; RT::LoadConfig(); RT::Init(); my $god = RT->SystemUser;
my $queue = RT::Queue->new($god); $queue->Load('General');
my $field = RT::CustomField->new($god);
$field->Create(Name => '%(field)s', Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket');
$field->AddToObject($queue);
for my $name ('playbook', 'nobody') {
    my $user = RT::User->new($god);
    $user->Create(Name => "soar-$name", Privileged => 1, EmailAddress => "$name\\@example.test");
    if ($name eq 'playbook') {
        $user->PrincipalObj->GrantRight(Right => $_, Object => $queue) for qw(SeeQueue CreateTicket ShowTicket
            ShowTicketComments CommentOnTicket ModifyTicket);
        $user->PrincipalObj->GrantRight(Right => $_, Object => $field) for qw(SeeCustomField ModifyCustomField);
    }
    my ($ok, $said, $token) = RT::AuthToken->new($god)->Create(Owner => $user->Id, Description => 'test');
    print "$token\\n";
}
"""


@dataclass(frozen=True)
class RealTracker:
    """Where it listens, and the tokens of a user with the rights needed and of one with none."""

    url: str
    token: str
    powerless: str


def why_not_installed() -> str:
    """The reason to skip, or "" when Request Tracker can be started here."""
    if SERVER.exists() and Path(_SETUP).exists():
        return ""
    return "Request Tracker 5 is not installed: apt-get install request-tracker5 rt5-db-sqlite rt5-standalone"


@contextmanager
def real_tracker(folder: Path) -> Iterator[RealTracker]:
    """Request Tracker with an empty database in ``folder``; about 15 s until it answers."""
    port = _free_port()
    for name in ("sessions", "mason", "d"):
        (folder / name).mkdir()
    (folder / "site.pm").write_text(_SITE % {"port": port, "folder": folder})
    place = {"RT_SITE_CONFIG": str(folder / "site.pm"), "RT_SITE_CONFIG_DIR": str(folder / "d")}
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **place}
    _ran([_SETUP, "--action", "init", "--skip-create", "--dba", "root", "--dba-password", "x"], folder, environment)
    people = _PEOPLE % {"field": KEY_FIELD}
    token, powerless = _ran(["perl", "-I/usr/share/request-tracker5/lib", "-e", people], folder, environment).split()
    url = f"http://127.0.0.1:{port}"
    command = [str(SERVER), "--host", "127.0.0.1", "--port", str(port), "--server", "Starlet", "--max-workers", "3"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _until_it_answers(url, server, folder)
        yield RealTracker(url, token, powerless)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=20)


def _ran(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def _until_it_answers(url: str, server: subprocess.Popen[bytes], folder: Path) -> None:
    until = stopwatch.seconds() + 60
    while stopwatch.seconds() < until and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/REST/2.0/rt", timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("Request Tracker did not start: " + (folder / "server.log").read_text()[-2000:])


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

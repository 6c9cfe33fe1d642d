"""One call of nft, without a shell: a fixed environment, a deadline, and its complaints as errors."""

import re
import subprocess
from dataclasses import dataclass

from connectors.http import printable
from playbook.errors import BadAnswer, ConnectorError, Unauthorized, Unreachable

_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
_MOST_BYTES = 64 * 1024 * 1024
# Only nft's own words: "No such file" may also come from what stands in front of it, such as ip netns exec.
_ABSENT = re.compile(r"Error: (?:Could not process rule: )?No such file or directory")
_EXISTS = re.compile(r"Error: (?:Could not process rule: )?File exists")
_FORBIDDEN = ("Operation not permitted", "must be root", "a password is required")


class Absent(ConnectorError):
    """The table, the set or the element is not there."""


class Exists(ConnectorError):
    """The element that was to be created is there already."""


@dataclass(frozen=True)
class NftProgram:
    """How nft is called; ``subject`` opens every error."""

    subject: str
    command: tuple[str, ...]
    deadline_s: float

    def read(self, *arguments: str) -> str:
        """The answer to ``nft -j ARGUMENTS``."""
        return self._run(("-j", *arguments), "")

    def write(self, script: str) -> None:
        """Carry out ``script`` as one transaction."""
        self._run(("-f", "-"), script)

    def _run(self, arguments: tuple[str, ...], script: str) -> str:
        try:
            done = subprocess.run(
                [*self.command, *arguments],
                input=script,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=self.deadline_s,
                env=_ENVIRONMENT,
            )
        except subprocess.TimeoutExpired:
            raise Unreachable(f"{self.subject}: nft did not answer within {self.deadline_s:.0f} s") from None
        except OSError as fault:
            raise Unreachable(f"{self.subject}: {self.command[0]} cannot be run: {fault.strerror}") from None
        if len(done.stdout) > _MOST_BYTES:
            raise BadAnswer(f"{self.subject}: nft answered with more than {_MOST_BYTES} characters")
        if done.returncode:
            raise self._fault(done.stderr)
        return done.stdout

    def _fault(self, complaint: str) -> ConnectorError:
        said = printable(complaint)[:300].strip()
        if _ABSENT.search(said):
            return Absent(f"{self.subject}: {said}")
        if _EXISTS.search(said):
            return Exists(f"{self.subject}: {said}")
        if any(words in said for words in _FORBIDDEN):
            return Unauthorized(f"{self.subject}: nft needs CAP_NET_ADMIN (root, or sudo in `command`): {said}")
        return BadAnswer(f"{self.subject}: nft failed: {said}")

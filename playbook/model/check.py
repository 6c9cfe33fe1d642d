"""What ``check`` tried, and whether it works."""

from pydantic import Field

from playbook.errors import ConnectorError, PlaybookError
from playbook.model import Value


class CheckResult(Value):
    """One thing ``check`` tried: what, whether it works, and what to do when it does not.

    ``exit_code`` is what the command line returns for a failure of this kind (3: credentials, 4: unreachable);
    ``warning`` what was left out of something that works, which ``message`` says too.
    """

    subject: str
    ok: bool
    message: str
    exit_code: int = Field(default=ConnectorError.exit_code, exclude=True)
    warning: str = Field(default="", exclude=True)

    def told(self, connector: str, what: str = "") -> str:
        """One line of the connector's (``enrichers.inventory``) that says no name twice; ``what``: not the message."""
        said, subject = what or self.message, f"{self.subject}: "
        subject = subject.removeprefix(f"{connector.rpartition('.')[2]}: ").removeprefix(f"{connector}: ")
        parts = subject.removesuffix(": ").split(": ")
        if "." in parts[-1] and parts[-1] in said:
            parts.pop()
        return ": ".join([connector, *filter(None, parts), said])

    @classmethod
    def failed(cls, subject: str, fault: PlaybookError, hint: str = "") -> "CheckResult":
        """What was tried ended in ``fault``; ``hint`` says what to do about it."""
        return cls(subject=subject, ok=False, message=f"{fault}{hint}", exit_code=fault.exit_code)

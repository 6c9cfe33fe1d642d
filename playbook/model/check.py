"""What ``check`` tried, and whether it works."""

from pydantic import Field

from playbook.errors import ConnectorError, PlaybookError
from playbook.model import Value


class CheckResult(Value):
    """One thing ``check`` tried: what, whether it works, and what to do when it does not.

    ``exit_code`` is what the command line returns for a failure of this kind (3: credentials, 4: unreachable).
    """

    subject: str
    ok: bool
    message: str
    exit_code: int = Field(default=ConnectorError.exit_code, exclude=True)

    @classmethod
    def failed(cls, subject: str, fault: PlaybookError, hint: str = "") -> "CheckResult":
        """What was tried ended in ``fault``; ``hint`` says what to do about it."""
        return cls(subject=subject, ok=False, message=f"{fault}{hint}", exit_code=fault.exit_code)

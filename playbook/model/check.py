"""What ``check`` tried, and whether it works."""

from playbook.model import Value


class CheckResult(Value):
    """One thing ``check`` tried: what, whether it works, and what to do when it does not."""

    subject: str
    ok: bool
    message: str

"""What a check of our own came to."""

from playbook.errors import ConfigError
from playbook.model.check import CheckResult


def works(subject: str, message: str) -> CheckResult:
    """It is as it should be."""
    return CheckResult(subject=subject, ok=True, message=message)


def fails(subject: str, message: str) -> CheckResult:
    """It is not, and the configuration or the machine has to be changed (exit code 2)."""
    return CheckResult.failed(subject, ConfigError(message))

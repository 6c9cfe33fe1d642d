"""The errors a caller can act on; each carries the exit code of docs/architecture.md."""


class PlaybookError(Exception):
    """Something was wrong that the person who called can act on; ``exit_code`` is what the command line returns."""

    exit_code = 128


class ConfigError(PlaybookError):
    """The configuration or an input is wrong; the message names every wrong key, file or line."""

    exit_code = 2


class UnknownFormat(ConfigError):
    """An input whose format is not recognised."""


class ConnectorError(PlaybookError):
    """A connector could not do its work."""

    exit_code = 4


class Unreachable(ConnectorError):
    """No answer arrived: refused, timed out, or the name does not resolve."""


class Unauthorized(ConnectorError):
    """The credentials were refused or lack a permission; the message names the variable, never its value."""

    exit_code = 3


class RateLimited(ConnectorError):
    """The product asked us to wait longer than the deadline allows."""


class BadAnswer(ConnectorError):
    """An answer arrived that is not what the product documents."""


class Incomplete(ConnectorError):
    """Only a part of what was asked for arrived."""


class LimitExceeded(PlaybookError):
    """A blast-radius limit would be passed."""

    exit_code = 5


class NotApproved(PlaybookError):
    """A change was asked for without the approval it needs."""

    exit_code = 5


class NotProven(PlaybookError):
    """Whoever asks did not prove to be an account that may."""

    exit_code = 3

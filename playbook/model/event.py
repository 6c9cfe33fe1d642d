"""An event: something that happened to a case, told to platforms in a shape that a program reads."""

from typing import Any

from pydantic import AwareDatetime

from playbook.model import Value


class Event(Value):
    """``kind`` is case_filed, waiting, approved, denied, in_force, released or failed; ``content`` plain JSON values.

    ``key`` is the same for every delivery of one event.
    """

    key: str
    kind: str
    case_id: str
    at: AwareDatetime
    content: dict[str, Any] = {}

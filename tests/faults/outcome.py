"""What must hold after every fault, counted at the products: one block, one release, one ticket, nothing lost."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playbook.cases import audit
from playbook.cases.store import open_store
from tests.emulators.device import Device, FolderDesk, FolderNotifier
from tests.support.response_fixtures import DESK, EDGE, MAIL

KEYS = ("K-bbbea0a039fb03c8", "K-2a82d43b448dc217")
TICKETS = ("case:C-00000000001f", "case:C-000000000020")
Record = Callable[[str, object], None]


def check_story(folder: Path, url: str, record: Record, fault: str) -> None:
    """The story's effects, each exactly once; what people were told, at least once; the audit trail as written."""
    device, desk, mail = Device(EDGE, folder), FolderDesk(DESK, folder), FolderNotifier(MAIL, folder)
    assert Counter(device.logged("set")) == Counter(KEYS), device.logged("set")
    assert Counter(device.logged("unset")) == Counter(KEYS), device.logged("unset")
    assert device.state == {}
    assert Counter(desk.logged("ticket")) == Counter(TICKETS), desk.logged("ticket")
    comments = desk.logged("comment")
    assert len(comments) == len(set(comments))
    for what in ("active", "released"):
        assert {f"{key}:1:{what}" for key in KEYS} <= set(comments), comments
    told = Counter(mail.logged("told"))
    assert sum(key.startswith("ask:") for key in told) == 2 and any(":kept:" in key for key in told), told
    faults, lines = verified(url)
    assert faults == ()
    record("fault", fault)
    record("database", url.partition(":")[0])
    twice = sum(number - 1 for number in told.values())
    record(
        "found",
        f"2 blocks, 2 releases, 2 tickets, {len(comments)} comments, {lines} audit lines verify"
        + (f"; {twice} notice(s) told twice" if twice else ""),
    )


def verified(url: str) -> tuple[tuple[str, ...], int]:
    """The faults of the audit trail and how many lines it has."""
    store = open_store(url)
    try:
        with store.reading() as conn:
            return audit.verify(conn), audit.head(conn)[0]
    finally:
        store.close()


def passed(folder: Path) -> Counter[str]:
    """How often each point was passed, by all processes of this folder."""
    lines: Any = (line for path in folder.glob("passed.*") for line in path.read_text().splitlines())
    return Counter(lines)

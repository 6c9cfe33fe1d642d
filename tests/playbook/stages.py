"""What tests of carrying out and undoing share: the stages one after the other, and what was told urgently."""

from playbook import contain
from playbook.cases import outbox


def carry_out(bench, key):
    """The stages of the workflow, one after the other; the last word."""
    word = contain.intend(bench.outfit, key)
    if word == "go":
        word = contain.apply(bench.outfit, key)
    return contain.confirm(bench.outfit, key) if word == "done" else word


def release(bench, key):
    """The stages of undoing; the last word."""
    word = contain.claim(bench.outfit, key)
    if word == "go":
        word = contain.undo(bench.outfit, key)
    return contain.confirm_undone(bench.outfit, key) if word == "done" else word


def urgent(bench):
    """The urgent texts that nobody was told yet."""
    with bench.store.reading() as conn:
        return [n.text for n in outbox.untold(conn) if n.urgent]

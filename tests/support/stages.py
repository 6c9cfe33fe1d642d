"""What tests of carrying out and undoing share: the stages one after the other, and what was told urgently."""

from playbook.cases import outbox
from playbook.workflows import executor


def carry_out(bench, key):
    """The stages of the workflow, one after the other; the last word."""
    word = executor.prepare(bench.outfit, key)
    if word == "go":
        word = executor.apply(bench.outfit, key)
    return executor.verify(bench.outfit, key) if word == "done" else word


def release(bench, key):
    """The stages of undoing; the last word."""
    word = executor.claim(bench.outfit, key)
    if word == "go":
        word = executor.release(bench.outfit, key)
    return executor.verify_released(bench.outfit, key) if word == "done" else word


def urgent(bench):
    """The urgent texts that nobody was told yet."""
    with bench.store.reading() as conn:
        return [n.text for n in outbox.pending_notifications(conn) if n.urgent]

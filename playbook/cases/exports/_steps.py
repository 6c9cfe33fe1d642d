"""What exports share: how a step is named, and the two ends of what it blocks."""

from playbook.model.response import Step

_KINDS = {
    "block_pair": "Block one source to one destination and port",
    "block_address": "Block an address",
    "isolate_host": "Isolate a host",
}


def title(step: Step) -> str:
    """What the step does, and to what."""
    return f"{_KINDS.get(step.kind, step.kind.replace('_', ' ').capitalize())}: {step.target}"


def pair(step: Step) -> tuple[str, str, int | None]:
    """The source, destination and port of what a step blocks; "" and None where it has none."""
    if step.kind == "block_pair":
        source, _, rest = step.target.partition(">")
        destination, _, port = rest.rpartition(":")
        return source, destination.strip("[]"), int(port) if port.isdigit() else None
    return (step.target, "", None) if step.kind == "isolate_host" else ("", step.target, None)

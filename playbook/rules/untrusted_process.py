"""The process that owns the connections is unsigned, or runs from a place any user can write to."""

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import ApprovedSoftware, SocketOwner
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence

_WRITABLE = (
    "\\users\\",
    "\\appdata\\",
    "\\programdata\\",
    "\\temp\\",
    "\\windows\\tasks\\",
    "/tmp/",
    "/var/tmp/",
    "/dev/shm/",
    "/home/",
    "/users/",
    "/run/user/",
)


# Below a writable folder, but itself writable by the system only; the engine of Microsoft Defender runs from here.
_GUARDED = (":\\programdata\\microsoft\\windows defender\\",)


class Params(Value):
    """Lower-case fragments of paths: ``writable`` by ordinary users, ``guarded`` places below those that are not."""

    writable: tuple[str, ...] = _WRITABLE
    guarded: tuple[str, ...] = _GUARDED


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 4, host (f). Silent without an EDR or Sysmon record of these sockets, and for software approved by hash."""
    for owner in enriched.owners:
        why = _why(owner, params)
        if why is None or _approved(owner, enriched):
            continue
        return Evidence(
            rule="untrusted_process",
            role="corroboration",
            group="host",
            leans="malicious",
            strength="strong",
            reason=f"the owning process {owner.process_name} {why}",
            facts=(
                Fact(
                    name="owning process",
                    written_by=owner.written_by,
                    as_of=owner.seen,
                    value=f"{owner.path or owner.process_name}, signer {owner.signer or 'none'}",
                    source="process inventory",
                ),
            ),
            would_change="a signed program in a protected path, or an approval by hash, would take this away",
        )
    return None


def _why(owner: SocketOwner, params: Params) -> str | None:
    if owner.signed is False:
        return "is unsigned"
    path = owner.path.lower()
    guarded = ".." not in path and any(f in path for f in params.guarded)
    fragment = None if guarded else next((f for f in params.writable if f in path), None)
    return f"runs from {owner.path}, which users can write to" if fragment else None


def _approved(owner: SocketOwner, enriched: EnrichedDetection) -> bool:
    return any(
        approved.sha256 and approved.sha256.lower() == owner.sha256.lower()
        for approved, _ in enriched.answers(ApprovedSoftware)
    )

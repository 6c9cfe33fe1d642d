"""A host or process is called like backup software; a name is what its owner makes it."""

from fnmatch import fnmatch

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence

_PROCESSES = (
    "veeam*",
    "bztransmit*",
    "bzserv*",
    "crashplanservice*",
    "code42service*",
    "duplicati*",
    "restic*",
    "rclone*",
    "insync*",
    "carboniteservice*",
    "cvd*",
    "mms*",
)


class Params(Value):
    """``host_patterns`` comes from ``policy.backup_host_patterns``; ``processes`` are shell patterns."""

    host_patterns: tuple[str, ...] = ()
    processes: tuple[str, ...] = _PROCESSES


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """A hint that moves no rung: renaming a machine veeam-01 must change nothing."""
    host = next((p for p in params.host_patterns if fnmatch(enriched.host.lower(), p.lower())), None)
    process = next(
        (name for name in enriched.detection.processes for p in params.processes if fnmatch(name.lower(), p)), None
    )
    if host is None and process is None:
        return None
    what = f"process {process}" if process else f"host name {enriched.host}"
    return Evidence(
        rule="backup_name",
        role="context",
        leans="benign",
        strength="hint",
        reason=f"the {what} looks like backup software, which anybody can call it",
        facts=(Fact(name="name", value=what, source=enriched.detection.source, written_by="host"),),
        would_change="the backup server's session of this host (backup_sessions.csv: host, job, repository, started, "
        "ended, bytes; [enrichers.NAME] sessions) or a declared job (backup_jobs.yaml; [enrichers.NAME] jobs) would "
        "close it",
    )

"""What to do beyond containment: evidence to save first, accounts to reset, re-image or not."""

from datetime import timedelta

from playbook.model import Value
from playbook.model.case import Case
from playbook.report.sanitize import utc

_DEVICES = frozenset({"iot", "camera", "printer", "voip", "ot", "appliance", "embedded"})
_DIRECTORY = "domain_controller"
_SERVERS = frozenset(
    {
        "server",
        "web",
        "database",
        "mail",
        "proxy",
        "resolver",
        "dhcp",
        "nat",
        "vpn",
        "gateway",
        "load_balancer",
        "hypervisor",
        "backup_server",
        "file_server",
        "security_tool",
    }
)


class Advice(Value):
    """One heading and its sentences."""

    heading: str
    steps: tuple[str, ...]


def _roles(case: Case) -> frozenset[str]:
    return frozenset(role.lower() for role in (case.record.roles if case.record else ()))


def _save(case: Case, roles: frozenset[str]) -> Advice:
    first = min(d.enriched.detection.first_seen for d in case.detections) - timedelta(hours=24)
    steps = [
        f"Copy the raw rows of this host from {utc(first)} UTC on, a day before the first contact "
        "(commands beside each detection)."
    ]
    if roles & _DEVICES:
        steps.append(
            "Do not power-cycle it yet: malware of such devices often lives in memory only. Mirror its switch "
            "port to a capture for an hour, then save its configuration and firmware version."
        )
    else:
        steps.append(
            "While it still runs: memory image, process and socket list with hashes, logged-on sessions. "
            "Then disk triage: scheduled tasks or cron, services, autostarts, browser and shell history."
        )
    steps.append("Keep DHCP, VPN and authentication logs of that time: they prove who held the address.")
    return Advice(heading="Save before acting", steps=tuple(steps))


def _accounts(roles: frozenset[str]) -> Advice:
    steps: tuple[str, ...]
    if roles & _DEVICES:
        steps = (
            "Change the device's own passwords, above all a default one.",
            "Change credentials stored on it (SMTP, SMB, SIP).",
        )
    elif _DIRECTORY in roles:
        steps = (
            "Treat it as a compromise of the domain: from a clean machine reset krbtgt twice, "
            "then every privileged account.",
        )
    else:
        steps = (
            "From another machine, reset every account used on the host since the first contact; "
            "end their sessions and tokens.",
            "Replace keys, certificates and API tokens stored on it.",
        )
        steps += ("Include the service accounts that run on it.",) if roles & _SERVERS else ()
    return Advice(heading="Accounts", steps=steps)


def _rebuild(roles: frozenset[str]) -> Advice:
    if roles & _DEVICES:
        step = (
            "Off the network: factory reset and current firmware; then a segment without outbound Internet. "
            "A reboot alone does not help: it is infected again within minutes while the password stays."
        )
    elif roles & _SERVERS or _DIRECTORY in roles:
        step = (
            "Rebuild from a known good source after the evidence is saved; "
            "restore only data from before the first contact."
        )
    else:
        step = "Re-image: yes, after the evidence is saved. Cleaning in place is not enough, the way in is not known."
    return Advice(heading="Re-image", steps=(step,))


def _wider(case: Case) -> tuple[Advice, ...]:
    others = sorted({h for d in case.detections if d.enriched.traffic for h in d.enriched.traffic.other_hosts})
    if not others:
        return ()
    return (
        Advice(
            heading="Look wider",
            steps=(
                f"{len(others)} more of our hosts touched the same destination; judge them before calling this done.",
            ),
        ),
    )


def remediation(case: Case) -> tuple[Advice, ...]:
    """Concrete steps for this disposition and the host's roles; short, in the order in which to do them."""
    roles, verdict = _roles(case), case.verdict
    if verdict.disposition == "TRUE_POSITIVE":
        return (_save(case, roles), _accounts(roles), _rebuild(roles), *_wider(case))
    if verdict.disposition == "FALSE_POSITIVE":
        return (
            Advice(
                heading="Correct the query or the data",
                steps=(
                    "No host is to be touched. Correct the networks or the field mapping that let this row through.",
                ),
            ),
        )
    if verdict.disposition == "BENIGN_POSITIVE":
        policy = any(e.leans == "policy" for d in case.detections for e in d.verdict.evidence)
        step = (
            "Talk to the owner about the software; that is a question of policy, not of malware."
            if policy
            else "Nothing to contain. Check that the explanation still holds when its schedule or owner changes."
        )
        return (Advice(heading="No response needed", steps=(step,)),)
    steps = (
        "Find the process that owns the sockets (EDR, osquery, netstat on the host); ask the owner what it is.",
        "Save the raw rows now (commands beside each detection).",
        "Do not reset accounts or re-image on this evidence alone.",
    )
    heading = "Settle it" if case.status == "ticket" else "If you look at it anyway"
    return (Advice(heading=heading, steps=steps), *_wider(case))

"""Peer-to-peer software: approved by hash or by signer and path, it explains the peers; otherwise it breaks policy."""

from pydantic import Field

from playbook.model import Value
from playbook.model.address import parse, why_not_global
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import ApprovedSoftware, SocketOwner
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence

_CLIENTS = (
    "utorrent",
    "utweb",
    "bittorrent",
    "btweb",
    "qbittorrent",
    "qbittorrent-nox",
    "transmission-qt",
    "transmission-gtk",
    "transmission-daemon",
    "deluge",
    "deluged",
    "rtorrent",
    "aria2c",
    "biglybt",
    "azureus",
    "tixati",
    "webtorrent",
    "frostwire",
    "emule",
    "amuled",
    "soulseekqt",
    "nicotine",
    "gtk-gnutella",
)


class Params(Value):
    """``least_peers`` distinct outside addresses of the process; ``clients`` are names that only hint.

    ``least_score``: with a beacon score from this on, a connection is a beacon to one peer, which no approval explains.
    """

    least_peers: int = Field(default=50, ge=2)
    least_score: float = Field(default=0.5, ge=0, le=1)
    clients: tuple[str, ...] = _CLIENTS


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 3 when approved and really fanning out; a policy ticket when it fans out unapproved; else silent."""
    owners = enriched.owners
    approvals = [_approval(owner, enriched) for owner in owners]
    if owners and approvals[0] is not None and None not in approvals:
        return _approved(owners[0], approvals[0], enriched, params)
    waiting = _unasked(enriched, params)
    if waiting is not None:
        return waiting
    strangers = [owner for owner, approval in zip(owners, approvals, strict=True) if approval is None]
    client = next((o for o in strangers if _plain(o.process_name) in params.clients), None)
    peers = _peers(client, enriched) if client is not None else 0
    if client is None:
        return _by_name(enriched, params)
    if peers < params.least_peers:
        return None
    return Evidence(
        rule="peer_to_peer",
        role="context",
        leans="policy",
        strength="strong",
        reason=f"{client.process_name} talks to {peers} outside addresses and is no approved software: a policy matter",
        facts=(_fact(client, peers),),
        would_change="approving the program by hash, or by signer and path, would close it",
    )


def _by_name(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """The log names such a client and no inventory tells whose sockets these are: it is said, and explains nothing."""
    approved = {_plain(one.name) for one, _ in enriched.answers(ApprovedSoftware) if one.purpose == "p2p"}
    known = approved | set(params.clients)
    name = None if enriched.owners else next((n for n in enriched.detection.processes if _plain(n) in known), None)
    if name is None:
        return None
    return Evidence(
        rule="peer_to_peer",
        role="explanation",
        leans="benign",
        strength="hint",
        reason=f"the process calls itself {name}, as peer-to-peer software does; a name is what its owner makes it",
        missing=("the process that owns these sockets, by hash or by signer and path",),
        facts=(Fact(name="process name", value=name, source=enriched.detection.source, written_by="host"),),
        would_change="a row of processes.csv (hostname, process_name, path, signer, signed, sha256, dst_ip, dst_port, "
        "seen; [enrichers.NAME] processes) of a program that software.csv approves (name, purpose, sha256; "
        "[enrichers.NAME] software) would close it",
    )


def _approval(owner: SocketOwner, enriched: EnrichedDetection) -> ApprovedSoftware | None:
    for approved, _ in enriched.answers(ApprovedSoftware):
        if approved.purpose != "p2p":
            continue
        by_hash = approved.sha256 and approved.sha256.lower() == owner.sha256.lower()
        by_signer = (
            approved.signer
            and approved.path
            and owner.signed
            and approved.signer == owner.signer
            and _under(owner.path, approved.path)
        )
        if by_hash or by_signer:
            return approved
    return None


def _under(path: str, folder: str) -> bool:
    """Whether the path is the approved one or lies below it; a climbing path lies nowhere."""
    found, approved = (text.lower().replace("\\", "/") for text in (path, folder))
    return ".." not in found.split("/") and (found == approved or found.startswith(approved.rstrip("/") + "/"))


def _approved(owner: SocketOwner, approval: ApprovedSoftware, enriched: EnrichedDetection, params: Params) -> Evidence:
    peers, missing = _peers(owner, enriched), _missing(enriched, params)
    complete = not missing
    return Evidence(
        rule="peer_to_peer",
        role="explanation",
        leans="benign",
        strength="conclusive" if complete else "strong" if _ours(enriched) else "hint",
        explains_hunt=complete,
        reason=f"approved peer-to-peer software {approval.name} owns these sockets, with {peers} outside addresses",
        missing=missing,
        facts=(
            _fact(next((o for o in enriched.owners if o.written_by != "us"), owner), peers),
            Fact(
                name="approval",
                value=f"{approval.name}, {'hash' if approval.sha256 else 'signer and path'}",
                source="approved software",
                written_by="us",
            ),
        ),
        would_change="another program at these sockets would reopen it"
        if complete
        else "meeting what is missing would close it",
    )


def _ours(enriched: EnrichedDetection) -> bool:
    return all(owner.written_by == "us" for owner in enriched.owners)


def _missing(enriched: EnrichedDetection, params: Params) -> tuple[str, ...]:
    """What the explanation lacks: it must rest on what the host cannot write, and explains many peers, not one."""
    score = enriched.known("beacon_score")
    return tuple(
        fault
        for fault, stands in (
            (
                f"at least {params.least_peers} distinct outside addresses of the process",
                _peers(enriched.owners[0], enriched) < params.least_peers,
            ),
            (
                "a process inventory that the host itself cannot write to",
                not _ours(enriched),
            ),
            (
                f"it explains many peers, not a steady beacon to one (beacon score {score or 0:.2f} of 1)",
                score is not None and score >= params.least_score,
            ),
        )
        if stands
    )


def _peers(owner: SocketOwner, enriched: EnrichedDetection) -> int:
    """Distinct outside addresses of this very process: the export's own count, or its sockets counted.

    Never more than the whole host has by our own connection log, where that tells.
    """
    same = [
        o
        for o, by in enriched.answers(SocketOwner, "source")
        if by.observable.value in enriched.proven_names
        and (o.sha256, o.path.lower(), o.process_name.lower())
        == (owner.sha256, owner.path.lower(), owner.process_name.lower())
    ]
    counted = len({o.dst_ip for o in same if o.dst_ip and _outside(o.dst_ip, enriched)})
    told = max([counted, *(o.outside_addresses or 0 for o in same)])
    ours = enriched.known("distinct_outside")
    return told if ours is None else min(told, int(ours))


def _outside(text: str, enriched: EnrichedDetection) -> bool:
    address, networks = parse(text), enriched.site.networks
    return address is not None and why_not_global(address, networks.lab, networks.nat64) is None


def _plain(name: str) -> str:
    return name.lower().rsplit("\\", 1)[-1].rsplit("/", 1)[-1].removesuffix(".exe")


def _fact(owner: SocketOwner, peers: int) -> Fact:
    identity = owner.sha256[:16] or owner.signer or "unsigned"
    return Fact(
        name="socket owner",
        value=f"{owner.process_name} ({identity}), {peers} outside addresses",
        source="process inventory",
        written_by=owner.written_by,
        as_of=owner.seen,
    )


def _unasked(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """An inventory failed and the host may fan out like peer-to-peer: then nobody may say it is none."""
    failed = (*(() if enriched.owners else enriched.failed("processes")), *enriched.failed("software"))
    if not enriched.owners and enriched.answers(SocketOwner, "source"):
        failed += enriched.failed("host")
    outside = enriched.known("distinct_outside")
    if not failed or (outside is not None and outside < params.least_peers):
        return None
    return Evidence(
        rule="peer_to_peer",
        role="explanation",
        leans="benign",
        strength="hint",
        reason=f"it may be approved peer-to-peer software: {failed[0].unavailable}",
        missing=("the process that owns these sockets",),
        waiting_on=(failed[0].enricher,),
    )

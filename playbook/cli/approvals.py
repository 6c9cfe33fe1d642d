"""approvals: the requests that wait for people, and one person's answer to exactly one plan."""

from contextlib import closing
from pathlib import Path
from typing import get_args

import click

from playbook.cases import approval_requests, approvals
from playbook.cases.access import authenticate, open_case_store
from playbook.cases.approval_requests import ApprovalRequest, RequestState
from playbook.cases.approvals import AnswerResult
from playbook.cli._options import config_option, configuration, emit, now
from playbook.errors import NotApproved
from playbook.model.response import Decision
from playbook.report.sanitize import plain
from playbook.response.preflight import kill_switch_reason
from playbook.workflows.client import WorkflowClient


@click.group(name="approvals")
def command() -> None:
    """What waits for approval. WHO is an account with role approver, proven by BOTNET_PLAYBOOK_TOKEN or a prompt."""


@command.command(name="list")
@config_option
@click.option("--state", type=click.Choice([*get_args(RequestState), "all"]), default="waiting", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def show_all(config_file: Path | None, state: str, limit: int, offset: int, as_json: bool) -> None:
    """Requests, oldest first."""
    chosen = None if state == "all" else state
    with open_case_store(*configuration(config_file)) as store, store.reading() as conn:
        found = approval_requests.list_requests(conn, chosen, limit, offset)  # type: ignore[arg-type]
    if as_json:
        emit({"requests": [one.model_dump(mode="json") for one in found]})
        return
    for one in found:
        click.echo(
            f"{one.request_id}  {one.state:10}  {one.case_id}  {plain(one.host)}  "
            f"{one.votes} of {one.people}  until {one.expires_at:%Y-%m-%d %H:%M} UTC"
        )
    if not found:
        click.echo("nothing waits" if state == "waiting" else "none")


@command.command(name="show")
@config_option
@click.argument("identity", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def show(config_file: Path | None, identity: str, as_json: bool) -> None:
    """One request with every plan it offers. The digests are shown; ID is a request, a case or a plan."""
    with open_case_store(*configuration(config_file)) as store, store.reading() as conn:
        found = _found(approval_requests.find_request(conn, identity), identity)
        given = approvals.answers(conn, found.request_id)
        valid = [one for one in approvals.still_valid(conn, given) if one.approve]
    if as_json:
        emit(found.model_dump(mode="json") | {"answers": [one.model_dump(mode="json") for one in given]})
        return
    click.echo(f"{found.request_id}  {found.state}  case {found.case_id}  {plain(found.host)}")
    click.echo(
        f"asked by {found.requester} at {found.asked_at:%Y-%m-%d %H:%M}; denied by silence at "
        f"{found.expires_at:%Y-%m-%d %H:%M} UTC; {len(valid)} of {found.people} approved"
    )
    for plan in found.offers:
        click.echo(f"\n{plan.plan_id}  --digest {plan.digest}")
        for step in plan.steps:
            by = step.connector or "by hand: no containment is configured"
            what = f"{step.kind.replace('_', ' ')} {plain(step.target)} ({plain(step.scope)})"
            click.echo(f"  {what} for {step.ttl_s} s, {by}")
    for one in given:
        word = "approved" if one.approve else "denied"
        click.echo(f"\n{one.who} {word} {one.plan_id} at {one.at:%Y-%m-%d %H:%M} UTC: {plain(one.comment)}")


@command.command(name="approve")
@config_option
@click.argument("identity", metavar="ID")
@click.option("--digest", required=True, help="The digest of the plan that was read.")
@click.option("--by", "who", help="The account that answers (default: the token's).")
@click.option("--comment", default="", help="Kept with the answer.")
def approve(config_file: Path | None, identity: str, digest: str, who: str | None, comment: str) -> None:
    """Approve exactly the plan with this digest. ID is its request, case or plan."""
    _answer(config_file, identity, digest, who, comment, True)


@command.command(name="deny")
@config_option
@click.argument("identity", metavar="ID")
@click.option("--digest", default="", help="The digest of a plan of the request (default: the one proposed).")
@click.option("--by", "who", help="The account that answers (default: the token's).")
@click.option("--comment", default="", help="Why; needed, and kept with the answer.")
def deny(config_file: Path | None, identity: str, digest: str, who: str | None, comment: str) -> None:
    """Deny a request; one denial ends it. ID is its request, case or plan."""
    _answer(config_file, identity, digest, who, comment, False)


def _answer(config_file: Path | None, identity: str, digest: str, who: str | None, comment: str, agree: bool) -> None:
    moment = now()
    config, file = configuration(config_file)
    with open_case_store(config, file) as store, closing(WorkflowClient(store)) as door:
        proof = authenticate(store, who, "approver", moment, "approve")
        if not agree and not comment.strip():
            raise click.UsageError("--comment: say why it is denied; the reason is kept")
        if agree and (stopped := kill_switch_reason(config.kill_switch)):
            raise NotApproved(f"refused: kill switch: {stopped}; nothing was changed")
        with store.change() as conn:
            request = _found(approval_requests.find_request(conn, identity), identity)
            digest = digest or request.offers[0].digest
            plan_id = next((p.plan_id for p in request.offers if p.digest == digest), f"P-{digest[:12]}")
            decision = Decision(
                case_id=request.case_id,
                plan_id=plan_id,
                digest=digest,
                who=proof.name,
                via=proof.via,
                approve=agree,
                comment=comment[:2000],
                at=moment,
            )
            outcome = approvals.decide(conn, decision, moment, door.starting)
    _say(outcome)


def _say(outcome: AnswerResult) -> None:
    if outcome.result == "refused":
        raise NotApproved(f"refused ({outcome.reason}): {outcome.text}")
    click.echo(f"{outcome.result}: {outcome.text}")
    for key in outcome.keys:
        click.echo(f"  {key}")


def _found(request: ApprovalRequest | None, identity: str) -> ApprovalRequest:
    if request is None:
        raise click.UsageError(f"{identity}: no such request, case or plan")
    return request

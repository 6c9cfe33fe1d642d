"""Notables of Enterprise Security: read as detections, answered once, and never against a person."""

from datetime import timedelta

import pytest

from connectors.sources.splunk import notables
from connectors.sources.splunk.findings import Change, State, WritePolicy, change_for, remaining, write_back
from connectors.sources.splunk.settings import Ids
from playbook.detections.languages.splunk import Unquotable
from playbook.errors import BadAnswer, ConfigError, Unreachable
from playbook.model.detection import Fetched
from playbook.model.finding_update import FindingUpdate
from tests.emulators.splunk import Behaviour, Server
from tests.emulators.splunk_es import notable
from tests.support.splunk_fixtures import DAY, END, RULE, FakeClock, a_day, reference, talking
from tests.support.sumo_fixtures import findings_of

pytestmark = pytest.mark.loopback
EVENTS = [e for e in a_day() if not e.dst_ip.startswith("192.0.2.")]
BOT = reference(EVENTS)[0]
LATE = (END - timedelta(minutes=5)).timestamp()
CLOSES = WritePolicy(close_in_siem=True)
UID_7 = "9F1@@notable@@a1b2c3"
UID_8 = f"2008e99d-af14-4fec-89da-b9b17a81820a@@notable@@time{int(LATE)}"
FIRING = {
    "src": "10.0.0.99",
    "dest": "203.0.113.77",
    "dest_port": "4444",
    "connections": "60",
    "hourly_buckets": "20",
    "first_seen": str(DAY.start.timestamp() + 60),
    "last_seen": "2026-11-23 22:00:00",
}


def bot_notable(event_id: str = UID_7, **more):
    """A notable of the first bot, in the names of the Common Information Model."""
    return notable(event_id, LATE, RULE, src_ip=BOT.src_ip, dest_ip=BOT.dst_ip, dest_port=str(BOT.dst_port), **more)


def fetched(*stored, behaviour: Behaviour | None = None):
    """One fetch of a source that reads the notables of our rule."""
    server, clock = Server(EVENTS, behaviour or Behaviour(states=()), stored=stored), FakeClock()
    with talking(server, clock, rule_name=RULE) as source:
        (got,) = source.fetch(DAY)
    return got, source, server


def written(server: Server, outcome: FindingUpdate, policy: WritePolicy = CLOSES):
    """One write-back to the first notable of ``server``."""
    with talking(server, FakeClock(), rule_name=RULE) as source:
        (got,) = source.fetch(DAY)
        return write_back(source.wire, the_first(got), outcome, policy)


def the_first(got: Fetched) -> notables.NotableFinding:
    """The newest notable of the bot."""
    return findings_of(got, BOT.detection_id, notables.NotableFinding)[0]


def outcome(disposition: str, fault: str = "query", reason: str = "measured") -> FindingUpdate:
    return FindingUpdate(case_id="C-0123456789ab", disposition=disposition, fault=fault, reason=reason)


def test_a_notable_of_a_found_tuple_is_tied_to_its_detection() -> None:
    got, _, _ = fetched(
        bot_notable(),
        bot_notable("older@@notable@@1") | {"finding_s": LATE - 9000},
        notable("other@@notable@@2", LATE, "Another rule", src="10.0.0.1"),
    )
    assert got.detections == reference(EVENTS) and got.health.complete
    assert [f.event_id for f in findings_of(got, BOT.detection_id, notables.NotableFinding)] == [
        UID_7,
        "older@@notable@@1",
    ]
    assert findings_of(got, "nothing", notables.NotableFinding) == ()


def test_a_notable_that_names_its_host_is_tied_to_that_host_alone() -> None:
    twin = [e._replace(hostname="cam-2") for e in EVENTS if e.hostname == BOT.hostname]
    server = Server([*EVENTS, *twin], Behaviour(states=()), stored=[bot_notable(src_host="cam-2"), bot_notable("u@@n")])
    with talking(server, FakeClock(), rule_name=RULE) as source:
        (got,) = source.fetch(DAY)
        tied = {
            d.hostname: {f.event_id for f in findings_of(got, d.detection_id, notables.NotableFinding)}
            for d in got.detections
            if d.dst_ip == BOT.dst_ip
        }
    assert tied == {BOT.hostname: {"u@@n"}, "cam-2": {UID_7, "u@@n"}}


@pytest.mark.parametrize("named", ["rule_name", "search_name", "source"])
def test_a_notable_whose_own_counts_fire_is_a_detection_of_its_own(named: str) -> None:
    stored = notable("x@@notable@@3", LATE, "", src_host="pc-99", **FIRING) | {named: RULE}
    got, _, _ = fetched(stored)
    (extra,) = [d for d in got.detections if d.src_ip == "10.0.0.99"]
    assert extra.beaconing_score == 3 and extra.hostname == "pc-99" and not extra.bytes_known
    assert (extra.avg_per_hour, extra.last_seen.hour) == (3.0, 22)
    assert findings_of(got, extra.detection_id, notables.NotableFinding)[0].event_id == "x@@notable@@3"
    assert list(got.detections) == sorted(got.detections, key=lambda d: (-d.beaconing_score, -d.connections))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"src_ip": "10.0.0.8", "dest_ip": "203.0.113.8", "dest_port": "80"}, "the search did not find"),
        (FIRING | {"connections": "19"}, "the search did not find"),
        (FIRING | {"last_seen": "2026-11-01 22:00:00"}, "the search did not find"),
        (FIRING | {"first_seen": "yesterday"}, "the search did not find"),
        ({"src_ip": "a laptop", "dest_ip": "203.0.113.8", "dest_port": "80"}, "1 notables name no tuple"),
        ({"dest_ip": "203.0.113.8"}, "1 notables name no tuple"),
        (FIRING | {"dest_port": "99999"}, "1 notables name no tuple"),
    ],
)
def test_a_notable_that_proves_nothing_is_told_not_dropped(columns, words: str) -> None:
    got, _, _ = fetched(notable("x@@notable@@4", LATE, RULE, **columns))
    assert got.detections == reference(EVENTS) and any(words in warning for warning in got.health.warnings)


def test_notables_that_cannot_be_read_leave_the_fetch_incomplete() -> None:
    got, _, _ = fetched(bot_notable(), behaviour=Behaviour(states=(), statuses={n: (502, {}) for n in range(9, 60)}))
    assert got.detections == reference(EVENTS) and not got.health.complete
    assert any("notables could not be read" in w for w in got.health.warnings)


def test_a_rule_name_is_quoted_whole() -> None:
    query = notables.search('a" | delete index=*')
    assert '="a\\" | delete index=*"' in query and query.count("\n| ") == 4
    with pytest.raises(Unquotable):
        notables.search("a\n| delete")


@pytest.mark.parametrize(
    ("given", "status", "disposition", "tag"),
    [
        (outcome("BENIGN_POSITIVE"), "5", "disposition:2", False),
        (outcome("FALSE_POSITIVE", "query"), "5", "disposition:3", True),
        (outcome("FALSE_POSITIVE", "data"), "5", "disposition:4", True),
        (outcome("TRUE_POSITIVE"), "2", "disposition:1", False),
        (outcome("UNDETERMINED"), None, "disposition:6", False),
    ],
)
def test_each_disposition_and_what_it_asks_for(given: FindingUpdate, status, disposition, tag: bool) -> None:
    open_policy, comment_only = change_for(given, CLOSES), change_for(given, WritePolicy())
    assert (open_policy.status, open_policy.disposition) == (status, disposition)
    assert (comment_only.status, comment_only.disposition) == (None, None), "the default closes nothing"
    assert comment_only.comment == open_policy.comment and ("#query-or-data" in comment_only.comment) is tag
    assert "C-0123456789ab" in comment_only.comment and "measured" in comment_only.comment


ASKED = Change(status="5", disposition="disposition:2", comment="[c] BENIGN_POSITIVE: x")


@pytest.mark.parametrize(
    ("state", "status", "disposition", "commented", "kept"),
    [
        (State("1", "", ()), "5", "disposition:2", True, ""),
        (State("1", "disposition:6", ("seen",)), "5", "disposition:2", True, ""),
        (State("5", "disposition:2", ()), None, None, True, ""),
        (State("1", "disposition:2", (ASKED.comment,)), "5", None, False, ""),
        (State("1", "disposition:1", ()), None, None, True, "disposition disposition:1; status 1"),
        (State("4", "", ()), None, "disposition:2", True, "status 4"),
    ],
)
def test_what_a_person_set_is_kept(state: State, status, disposition, commented: bool, kept: str) -> None:
    left, due, said = remaining(ASKED, state, Ids())
    assert left is not None and (left.status, left.disposition, due, said) == (status, disposition, commented, kept)


@pytest.mark.parametrize("uid", [UID_7, UID_8], ids=["version 7", "version 8"])
def test_an_outcome_is_written_once(uid: str) -> None:
    server = Server(EVENTS, Behaviour(states=()), stored=[bot_notable(uid)])
    first = written(server, outcome("BENIGN_POSITIVE"))
    assert (first.did, first.status, first.disposition, first.commented) == ("written", "5", "disposition:2", True)
    row = server.stored[0]
    assert (row["status"], row["disposition"], len(row["comment"])) == ("5", "disposition:2", 1)
    asked = len(server.log)
    assert written(server, outcome("BENIGN_POSITIVE")).did == "already" and len(row["comment"]) == 1
    assert not any(method == "POST" and "jobs" not in path for method, path in server.log[asked:])
    row["comment"].append("a person wrote after us")
    assert written(server, outcome("BENIGN_POSITIVE")).did == "already" and len(row["comment"]) == 2
    assert written(server, outcome("BENIGN_POSITIVE", reason="more")).did == "written" and len(row["comment"]) == 3
    assert not server.jobs


@pytest.mark.parametrize("uid", [UID_7, UID_8], ids=["version 7", "version 8"])
def test_by_default_only_a_comment_is_left(uid: str) -> None:
    server = Server(EVENTS, Behaviour(states=()), stored=[bot_notable(uid)])
    got = written(server, outcome("FALSE_POSITIVE"), WritePolicy())
    row = server.stored[0]
    assert got.commented and got.status is None and (row["status"], row["disposition"]) == ("1", "disposition:6")
    assert row["comment"][0].endswith("#query-or-data")


@pytest.mark.parametrize("uid", [UID_7, UID_8], ids=["version 7", "version 8"])
def test_a_true_positive_is_never_closed_and_a_closing_by_a_person_is_never_undone(uid: str) -> None:
    server = Server(EVENTS, Behaviour(states=()), stored=[bot_notable(uid)])
    assert written(server, outcome("TRUE_POSITIVE")).status == "2"
    server = Server(
        EVENTS, Behaviour(states=()), stored=[bot_notable(uid) | {"status": "5", "disposition": "disposition:2"}]
    )
    got = written(server, outcome("TRUE_POSITIVE"))
    assert got.commented and got.kept == "disposition disposition:2; status 5" and server.stored[0]["status"] == "5"


@pytest.mark.parametrize("uid", [UID_7, UID_8], ids=["version 7", "version 8"])
def test_an_answer_that_was_lost_is_looked_up_before_it_is_sent_again(uid: str) -> None:
    server = Server(EVENTS, Behaviour(states=()), stored=[bot_notable(uid)])
    written(server, outcome("BENIGN_POSITIVE"))
    before = next(n for n, (method, path) in enumerate(server.log, 1) if method == "POST" and "jobs" not in path)
    again = Server(EVENTS, Behaviour(states=(), lost=(before,)), stored=[bot_notable(uid)])
    got = written(again, outcome("BENIGN_POSITIVE"))
    assert got.did == "written" and len(again.stored[0]["comment"]) == 1 and again.stored[0]["status"] == "5"


@pytest.mark.parametrize(
    ("uid", "stored", "error", "words"),
    [
        (UID_7, [], BadAnswer, "no notable"),
        (UID_8, [], ConfigError, "finding not found"),
    ],
)
def test_a_notable_that_is_gone_is_an_error(uid: str, stored, error: type, words: str) -> None:
    server = Server(EVENTS, Behaviour(states=()), stored=[bot_notable(uid)])
    with talking(server, FakeClock(), rule_name=RULE) as source:
        (got,) = source.fetch(DAY)
        server.stored[:] = stored
        with pytest.raises(error, match=words):
            write_back(source.wire, the_first(got), outcome("UNDETERMINED"), CLOSES)


def test_an_update_that_reports_failure_with_200_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.emulators.splunk_es._update",
        lambda *_: (
            200,
            {"success": False, "message": "You do not have permission to edit notables", "failure_count": 1},
        ),
    )
    server = Server(EVENTS, Behaviour(states=()), stored=[bot_notable()])
    with pytest.raises(BadAnswer, match="permission to edit"):
        written(server, outcome("UNDETERMINED"))


def test_a_server_that_never_answers_the_change_is_given_up() -> None:
    server = Server(EVENTS, Behaviour(states=()), stored=[bot_notable(UID_8)])
    with talking(server, FakeClock(), rule_name=RULE) as source:
        (got,) = source.fetch(DAY)
        calls = len(server.log)
        server.behaviour.statuses = {n: (502, {}) for n in range(calls + 3, 99, 3)}
        with pytest.raises(Unreachable, match="502"):
            write_back(source.wire, the_first(got), outcome("UNDETERMINED"), CLOSES)
    assert not server.stored[0]["comment"]


def test_a_source_takes_an_outcome_and_changes_no_status_unless_it_may() -> None:
    server = Server(EVENTS, Behaviour(states=()), stored=[bot_notable()])
    with talking(server, FakeClock(), rule_name=RULE, ids={"closed": "9"}) as source:
        (got,) = source.fetch(DAY)
        (found,) = got.findings
        assert source.write_back(found.reference, outcome("BENIGN_POSITIVE"), False) == ""
        assert (server.stored[0]["status"], len(server.stored[0]["comment"])) == ("1", 1)
        assert source.write_back(found.reference, outcome("BENIGN_POSITIVE"), True) == ""
        assert (server.stored[0]["status"], server.stored[0]["disposition"]) == ("9", "disposition:2")
        assert source.write_back(found.reference, outcome("TRUE_POSITIVE"), True) == (
            "disposition disposition:2; status 9"
        )
        hostile = notables.NotableFinding.model_validate_json(found.reference).model_copy(
            update={"event_id": "a\n| delete"}
        )
        with pytest.raises(BadAnswer, match="cannot be asked for"):
            source.write_back(hostile.model_dump_json(), outcome("BENIGN_POSITIVE"), True)
    assert (found.detection_id, found.finding_id, found.whole) == (BOT.detection_id, UID_7, True)

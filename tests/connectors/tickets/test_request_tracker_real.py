"""The ticket desk against a real Request Tracker 5, with a proxy in between that loses answers."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from connectors.http import Clocks
from connectors.tickets import request_tracker
from playbook.errors import ConnectorError, Unauthorized, Unreachable
from playbook.model.case import Ticket
from playbook.model.site import Site as OurSite
from tests.emulators.desk import HTML_502, Answer, Fault, Request, Site, serving
from tests.support.request_tracker_server import KEY_FIELD, RealTracker, real_tracker, why_not_installed

pytestmark = [
    pytest.mark.integration,
    pytest.mark.loopback,
    pytest.mark.heavy,
    pytest.mark.skipif(bool(why_not_installed()), reason=why_not_installed() or "installed"),
]
CREATE = "POST /REST/2.0/ticket"
HOSTILE = "x' OR id > 0 \r\nBcc: everyone@example.test <script>alert(1)</script> {{7*7}} \u202egnp.exe"


@pytest.fixture(scope="module")
def tracker(tmp_path_factory) -> Iterator[RealTracker]:
    with real_tracker(tmp_path_factory.mktemp("rt")) as running:
        yield running


def through(tracker: RealTracker, *faults: Fault, **options) -> Site:
    """A proxy in front of the real thing."""
    host = urlsplit(tracker.url).netloc

    def forward(request: Request) -> Answer:
        connection = http.client.HTTPConnection(host, timeout=60)
        kept = {n: v for n, v in request.headers.items() if n in ("authorization", "content-type", "accept")}
        connection.request(request.method, request.target, request.body, kept)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, {"Content-Type": answer.getheader("Content-Type", "")}, body

    return Site(forward, faults=list(faults), **options)


def desk(url: str, token: str, **change) -> request_tracker.RequestTracker:
    usual = {"base_url": url, "token": SecretStr(token), "queue": "General", "deadline_s": 120}
    settings = request_tracker.Settings(**usual | change)
    clocks = Clocks(sleep=lambda seconds: time.sleep(min(seconds, 0.1)))
    return request_tracker.connect("rt", settings, OurSite(now=datetime(2026, 3, 1, tzinfo=UTC)), Path(), clocks)


def ticket(key: str, title: str = "beaconing", text: str = "why") -> Ticket:
    return Ticket(key=key, title=title, text=text)


def asked(tracker: RealTracker, path: str) -> dict:
    connection = http.client.HTTPConnection(urlsplit(tracker.url).netloc, timeout=60)
    connection.request("GET", "/REST/2.0" + path, headers={"Authorization": f"token {tracker.token}"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def tickets_with(tracker: RealTracker, key: str) -> list[str]:
    """Counted in RT itself, not by the connector."""
    found = asked(tracker, f"/tickets?query='CF.%7B{KEY_FIELD}%7D'%20=%20'botnet-playbook:{key}'")
    return [item["id"] for item in found["items"]]


def test_check_and_what_it_says_when_something_is_missing(tracker):
    (result,) = desk(tracker.url, tracker.token).check()
    assert result.ok and "5.0" in result.message
    for broken, said in [({"queue": "Nope"}, "SeeQueue"), ({"key_field": "Absent"}, "no custom field 'Absent'")]:
        (result,) = desk(tracker.url, tracker.token, **broken).check()
        assert not result.ok and said in result.message
    (result,) = desk(tracker.url, tracker.powerless).check()
    assert not result.ok and "SeeQueue" in result.message
    (result,) = desk(tracker.url, "1-2-wrong").check()
    assert not result.ok and "401" in result.message


def test_one_ticket_a_key_also_when_closed_or_renamed(tracker):
    one = desk(tracker.url, tracker.token)
    reference = one.open(ticket("case:C-one"))
    connection = http.client.HTTPConnection(urlsplit(tracker.url).netloc, timeout=60)
    connection.request(
        "PUT",
        f"/REST/2.0/ticket/{reference}",
        json.dumps({"Status": "resolved", "Subject": "mine now"}),
        {"Authorization": f"token {tracker.token}", "Content-Type": "application/json"},
    )
    assert connection.getresponse().status == 200
    connection.close()
    assert one.open(ticket("case:C-one")) == desk(tracker.url, tracker.token).open(ticket("case:C-one")) == reference
    assert tickets_with(tracker, "case:C-one") == [reference]
    assert one.open(ticket("case:C-other")) != reference


@pytest.mark.parametrize(
    "lost",
    [
        Fault(CREATE),
        Fault(CREATE, HTML_502),
        Fault(CREATE, (504, {}, b"")),
        Fault(CREATE, (201, {}, b"<html>")),
    ],
    ids=["hang-up", "html 502", "504", "201 that is no JSON"],
)
def test_the_answer_to_create_is_lost_after_the_effect(tracker, lost, request):
    key = f"case:C-lost-{request.node.callspec.indices['lost']}"
    with serving(through(tracker, lost)) as url:
        reference = desk(url, tracker.token).open(ticket(key))
    assert tickets_with(tracker, key) == [reference]


def test_two_workers_race_and_one_ticket_is_left(tracker):
    site = through(tracker, meet=threading.Barrier(2), meet_on=CREATE)
    with serving(site) as url, ThreadPoolExecutor(2) as pool:
        given = list(pool.map(lambda _: desk(url, tracker.token).open(ticket("case:C-race")), range(2)))
    assert site.count(CREATE) == 2, "both had to create for this test to mean anything"
    (left,) = tickets_with(tracker, "case:C-race")
    assert left in given
    assert all(asked(tracker, f"/ticket/{reference}")["EffectiveId"]["id"] == left for reference in given)


def test_comments_and_files_once(tracker):
    with serving(through(tracker, Fault("POST .*/comment"), Fault("POST .*/comment", HTML_502, skip=1))) as url:
        one = desk(url, tracker.token)
        reference = one.open(ticket("case:C-talk"))
        for _ in range(3):
            one.comment(reference, f"contained until noon\n{HOSTILE}", "C-talk:contained")
            one.attach(reference, "case.html", b"<h1>report</h1>")
        one.comment(reference, "released", "C-talk:released")
        one.attach(reference, "case.html", b"<h1>a later report</h1>")
    history = asked(tracker, f"/ticket/{reference}/history?fields=Type&per_page=100")["items"]
    assert [h["Type"] for h in history].count("Comment") == 4
    parts = asked(tracker, f"/ticket/{reference}/attachments?fields=Filename,Subject&per_page=100")["items"]
    assert len({p["Filename"] for p in parts if p["Filename"]}) == 2


def test_hostile_text_is_text(tracker):
    one = desk(tracker.url, tracker.token)
    ordinary = one.open(ticket("case:C-plain"))
    reference = one.open(ticket(HOSTILE, HOSTILE, HOSTILE))
    assert reference != ordinary and one.open(ticket(HOSTILE, "another title")) == reference
    seen = asked(tracker, f"/ticket/{reference}")
    assert seen["Subject"].startswith("x' OR id > 0 Bcc:") and "\u202e" not in seen["Subject"]
    assert not seen["Cc"] and not seen["AdminCc"]


@pytest.mark.parametrize(
    "value",
    [
        "it's",
        "back\\slash",
        "\\",
        "' OR id > 0 OR Subject = '",
        '"',
        "a\\' OR id>0",
        "CF",
        "NULL",
        "%",
        "é\u4e2d",
    ],
)
def test_real_rt_reads_a_quoted_value_as_that_value(tracker, value):
    """The same value, put into a subject and searched for with our quoting, finds its ticket and no other."""
    one = desk(tracker.url, tracker.token)
    reference = one.open(ticket(f"case:{value}", f"quoting {value}"))
    sent = request_tracker.quoted(f"quoting {value}")
    reply = one._wire.get("/REST/2.0/tickets", params={"query": f"Subject = {sent}"}).expect(200)
    assert [item["id"] for item in reply.json()["items"]] == [reference]


def test_a_user_without_rights_and_a_tracker_that_is_down(tracker):
    with pytest.raises(Unauthorized):
        desk(tracker.url, tracker.powerless).open(ticket("case:C-no"))
    with pytest.raises(Unauthorized, match="may not comment"):
        desk(tracker.url, tracker.token).comment("99999", "x", "k")
    with pytest.raises(Unreachable):
        desk("http://127.0.0.1:1", tracker.token, deadline_s=1).open(ticket("case:C-no"))
    assert tickets_with(tracker, "case:C-no") == []


def test_a_down_hour_loses_nothing_and_doubles_nothing(tracker):
    """Down before and after the effect: each attempt fails loudly, and what is there afterwards is one ticket."""
    hour = [Fault(CREATE, HTML_502), Fault("GET /REST/2.0/tickets", HTML_502, effect=False, times=12, skip=1)]
    with serving(through(tracker, *hour)) as url:
        failed = 0
        for _ in range(8):
            try:
                reference = desk(url, tracker.token).open(ticket("case:C-hour"))
            except ConnectorError:
                failed += 1
            else:
                break
    assert failed and tickets_with(tracker, "case:C-hour") == [reference]

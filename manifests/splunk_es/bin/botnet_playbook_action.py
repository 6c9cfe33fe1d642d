"""What both alert actions do: one action of the service for each result, and its answer as an event."""

import csv
import gzip
import json
import sys
from urllib.parse import quote, urlencode

import splunk.rest as rest
from botnet_playbook_client import ACTIONS, Playbook, PlaybookFailure, lines

APP = "TA_botnet_playbook"
MOST_RESULTS = 1000


def main(name, offered, arguments, stream):
    """0 when every result has its answer; 1 when one failed; the reasons are in the log and in the events."""
    if len(arguments) < 2 or arguments[1] != "--execute":
        print("FATAL Unsupported execution mode (expected --execute flag)", file=sys.stderr)
        return 2
    payload = json.load(stream)
    configuration = payload.get("configuration") or {}
    session = payload.get("session_key") or ""
    failures = 0
    try:
        identifier = configuration.get("action") or offered[0]
        if identifier not in offered:
            raise PlaybookFailure("input", "{} offers no action {!r}.".format(name, identifier))
        playbook = connected(session)
        rows = results_of(payload.get("results_file") or "")
    except PlaybookFailure as fault:
        indexed(session, configuration, [event(payload, name, {"status": "failed", "message": fault.sentence})])
        print("ERROR " + fault.sentence, file=sys.stderr)
        return 1
    for number, row in enumerate(rows):
        events = answered(playbook, identifier, row, configuration)
        failures += any(one["status"] != "success" for one in events)
        more = {"action_name": identifier, "rid": row.get("rid", str(number)), "orig_sid": row.get("orig_sid", "")}
        indexed(session, configuration, [event(payload, name, {**more, **one}) for one in events])
        for one in events:
            print(("INFO " if one["status"] == "success" else "ERROR ") + one["message"], file=sys.stderr)
    return 1 if failures else 0


def answered(playbook, identifier, row, configuration):
    """The events of one result: a row of the answer each, with status and message."""
    action = ACTIONS[identifier]
    given = {name: row.get(name) or configuration.get(name) for name in action["inputs"]}
    if identifier == "file_detection" and not given.get("alert"):
        # The whole result: the service knows which of its columns are whose.
        given = {"alert": json.dumps({k: v for k, v in row.items() if v != ""}), "sender": configuration.get("sender")}
    try:
        answer = playbook.act(identifier, given, action["scope"])
    except PlaybookFailure as fault:
        return [{"status": "failed", "message": fault.sentence}]
    shared = {"status": answer["status"], "message": lines(answer)}
    return [{**row, **shared} for row in answer["data"]] or [shared]


def connected(session):
    """The service that botnet_playbook.conf names, with the tokens of Splunk's own store."""
    service = entries_of(session, "configs/conf-botnet_playbook/service")[0]["content"]
    stored = entries_of(session, "storage/passwords")
    tokens = {
        one["content"].get("username"): one["content"].get("clear_password") or ""
        for one in stored
        if one["content"].get("realm") == "botnet_playbook"
    }
    return Playbook(
        service.get("url") or "", tokens.get("token", ""), tokens.get("response_token", ""),
        service.get("authorities") or "",
    )


def entries_of(session, path):
    """The entries of one of Splunk's own endpoints."""
    where = "/servicesNS/nobody/{}/{}".format(APP, quote(path))
    response, content = rest.simpleRequest(where, sessionKey=session, getargs={"output_mode": "json", "count": "0"})
    if int(response.status) != 200:
        raise PlaybookFailure("input", "Splunk answered {} for {}.".format(response.status, path))
    return json.loads(content)["entry"]


def results_of(file):
    """The results, at most ``MOST_RESULTS`` of them; more is a failure and not a part."""
    if not file:
        raise PlaybookFailure("input", "There are no results.")
    csv.field_size_limit(1024 * 1024)
    with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
        rows = []
        for row in csv.DictReader(stream):
            rows.append({name: value for name, value in row.items() if name and not name.startswith("__mv_")})
            if len(rows) > MOST_RESULTS:
                raise PlaybookFailure("input", "More than {} results: narrow the search.".format(MOST_RESULTS))
    return rows


def event(payload, name, values):
    """One answer as an event."""
    return {"search_name": payload.get("search_name", ""), "sid": payload.get("sid", ""), "action": name, **values}


def indexed(session, configuration, events):
    """Hand the events to the index; what Splunk does not take is said in the log."""
    query = {"source": "botnet_playbook", "sourcetype": "botnet_playbook:response"}
    where = "/services/receivers/simple?" + urlencode({**query, "index": configuration.get("index") or "main"})
    for one in events:
        response, _ = rest.simpleRequest(where, sessionKey=session, method="POST", jsonargs=json.dumps(one))
        if int(response.status) not in (200, 201, 204):
            print("ERROR Splunk did not take the answer: {}".format(response.status), file=sys.stderr)

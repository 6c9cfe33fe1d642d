"""Splunk ES: a technology add-on with the adaptive responses botnet_judge and botnet_contain, usable by any search."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from playbook.actions import Action
from playbook.platforms import content
from playbook.platforms._archives import tar_gz
from playbook.platforms._images import png
from playbook.platforms._texts import ABOUT, ADDRESS_HELP, AUTHORITIES_HELP, PUBLISHER, TITLE, client, release

APP = "TA_botnet_playbook"
_JUDGE, _CONTAIN = "botnet_judge", "botnet_contain"
# Alerts of any Splunk, and correlation searches of ES.
_SEARCHES = ("splunk", "splunk_es")


def render(catalogue: Sequence[Action]) -> dict[str, str | bytes]:
    """The add-on's files under its own folder's name."""
    offers = {_JUDGE: judging(catalogue), _CONTAIN: answering(catalogue)}
    searches = content.render(catalogue)
    files: dict[str, str | bytes] = {
        # Every search is disabled until somebody has set its scope.
        "default/savedsearches.conf": "\n".join(searches[f"{one}/savedsearches.conf"] for one in _SEARCHES),
        "default/app.conf": _APP_CONF.format(app=APP, release=release(), publisher=PUBLISHER, title=TITLE, about=ABOUT),
        "default/alert_actions.conf": "\n".join(_stanza(name, offers[name]) for name in offers),
        "README/alert_actions.conf.spec": "\n".join(_spec(name) for name in offers),
        "default/botnet_playbook.conf": "[service]\nurl =\nauthorities =\n",
        "README/botnet_playbook.conf.spec": _SERVICE_SPEC,
        "default/server.conf": "[shclustering]\nconf_replication_include.botnet_playbook = true\n",
        "metadata/default.meta": _META,
        "static/appIcon.png": png(36, 36),
        "static/appIcon_2x.png": png(72, 72),
        "README.md": _README,
        "bin/botnet_playbook_client.py": client(catalogue),
        "bin/botnet_playbook_action.py": _PROGRAM,
    }
    for name, actions in offers.items():
        files[f"default/data/ui/alerts/{name}.html"] = _form(name, actions)
        names = tuple(one.identifier for one in actions)
        files[f"bin/{name}.py"] = _SCRIPT.replace("@NAME@", name).replace("@OFFERED@", repr(names))
    return files


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The add-on as Splunk installs it."""
    return {f"{APP}-{release()}.tgz": tar_gz(files, APP)}


def judging(catalogue: Sequence[Action]) -> tuple[Action, ...]:
    """What an analyst asks of a finding: filing first, then everything that neither answers nor carries out a plan."""
    offered = [one for one in catalogue if one.scope in ("intake", "investigate") and one.kind != "test"]
    return tuple(sorted(offered, key=lambda one: (one.scope != "intake", one.identifier)))


def answering(catalogue: Sequence[Action]) -> tuple[Action, ...]:
    """What answers a plan, carries it out or takes it back."""
    return tuple(one for one in catalogue if one.scope in ("approve", "contain"))


def _stanza(name: str, actions: Sequence[Action]) -> str:
    contains = name == _CONTAIN
    cam = {
        "task": ["contain", "release"] if contains else ["investigate"],
        "subject": ["network"],
        "category": ["Device Control" if contains else "Information Gathering"],
        "technology": [{"vendor": PUBLISHER, "product": PUBLISHER, "version": [release()]}],
        "supports_adhoc": True,
        "supports_cloud": True,
        "drilldown_uri": "../search/search?q=search%20sourcetype%3D%22botnet_playbook%3Aresponse%22",
    }
    return "\n".join(
        (
            f"[{name}]",
            "is_custom = 1",
            f"label = {'Botnet: answer or carry out a plan' if contains else 'Botnet: judge'}",
            f"description = {_ABOUTS[name]}",
            "payload_format = json",
            "icon_path = appIcon.png",
            # The older of the two settings is for Splunk before 10.2.
            "python.version = python3",
            "python.required = 3.13",
            f"param.action = {actions[0].identifier}",
            "param.sender =",
            "param.approved_by =",
            "param.index = main",
            f"param._cam = {json.dumps(cam)}",
            "",
        )
    )


def _spec(name: str) -> str:
    return (
        f"[{name}]\nparam.action = <string> The action that is carried out for each result.\n"
        "param.sender = <string> Name of an [alerts.NAME] table of the service.\n"
        "param.approved_by = <string> Account of the person who approved, where the results have no such column.\n"
        "param.index = <string> Index for the answers. Default: main.\nparam._cam = <json> Adaptive response.\n"
    )


def _form(name: str, actions: Sequence[Action]) -> str:
    field = f"action.{name}.param"
    options = "".join(
        f'      <option value="{one.identifier}">{escape(one.name.capitalize())}</option>\n' for one in actions
    )
    texts = (("sender", "Sender"),) if name == _JUDGE else (("approved_by", "Approved by"),)
    inputs = "".join(
        f'  <div class="control-group">\n    <label class="control-label">{label}</label>\n'
        f'    <div class="controls"><input type="text" name="{field}.{key}"/></div>\n  </div>\n'
        for key, label in (*texts, ("index", "Index of the answers"))
    )
    return (
        '<form class="form-horizontal form-complex">\n  <div class="control-group">\n'
        '    <label class="control-label">Action</label>\n    <div class="controls">\n'
        f'    <select name="{field}.action">\n{options}    </select>\n    <span class="help-block">'
        f"{escape(_ABOUTS[name])}</span>\n    </div>\n  </div>\n{inputs}</form>\n"
    )


_ABOUTS: dict[str, Any] = {
    _JUDGE: "Files each result with botnet-playbook, which measures, enriches and judges it; or looks something up",
    _CONTAIN: "Answers the plan that a result names by plan_id and digest, carries it out, or releases it",
}
_APP_CONF = """[install]
is_configured = 0
build = 1

[launcher]
author = {publisher}
description = {about}
version = {release}

[package]
id = {app}
check_for_updates = 0

[ui]
is_visible = 0
label = {title}

[id]
name = {app}
version = {release}

[triggers]
reload.botnet_playbook = simple
"""
_META = """[]
access = read : [ * ], write : [ admin, sc_admin ]

[alert_actions]
export = system

[botnet_playbook]
access = read : [ admin, sc_admin ], write : [ admin, sc_admin ]
"""
_SERVICE_SPEC = f"""[service]
url = <string> {ADDRESS_HELP}.
authorities = <string> {AUTHORITIES_HELP}: the path of a file.
"""
_README = f"""# {TITLE} for Splunk and Splunk Enterprise Security

{ABOUT}. Made from the catalogue of actions by `botnet-playbook manifests write splunk_es`; do not edit it here.

1. Install the add-on on the search heads, and set `url` in `local/botnet_playbook.conf`.
2. Put the tokens into Splunk's own store, realm `botnet_playbook`, names `token` and `response_token`, of two accounts
   of the service: POST to `/servicesNS/nobody/{APP}/storage/passwords` with realm, name and password.
3. `botnet_judge` and `botnet_contain` are alert actions of any saved search and adaptive responses of ES, by hand too.
   The inputs of an action are the columns of a result that have its names.
4. The detection and its hunts are there as saved searches and correlation searches, all disabled: set its scope,
   enable it, and add `botnet_judge` to its actions.

Answers are events of the sourcetype `botnet_playbook:response`. A failure is an event with `status="failed"`, an ERROR
in the log of alert actions, and the action's exit code 1.
"""
_SCRIPT = '''"""The alert action @NAME@. Made, not written."""

import sys

from botnet_playbook_action import main

OFFERED = @OFFERED@

if __name__ == "__main__":
    sys.exit(main("@NAME@", OFFERED, sys.argv, sys.stdin))
'''
_PROGRAM = '''"""What both alert actions do: one action of the service for each result, and its answer as an event."""

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
'''

"""The program of the Splunk SOAR app: actions over HTTP to the service, polling for cases, or ``act`` in process."""

CONNECTOR = '''"""Botnet Playbook for Splunk SOAR: actions of the service, its cases as containers. Generated."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import phantom.app as phantom
from botnet_playbook_client import ACTIONS, Playbook, PlaybookFailure, lines
from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector

TIMEOUT_SECONDS = 900
SEVERITIES = {"critical": "high", "high": "high", "medium": "medium", "low": "low", "informational": "low"}
CEF_TYPES = {"caseId": ["case id"], "planId": ["plan id"], "planDigest": ["plan digest"], "approvalUrl": ["url"]}


class BotnetPlaybookConnector(BaseConnector):
    """Hands an action to the playbook and its answer to the platform."""

    def handle_action(self, param):
        """Run the action that the platform asks for; an answer that is not complete is a failed result with rows."""
        identifier = self.get_action_identifier()
        result = self.add_action_result(ActionResult(dict(param)))
        try:
            if identifier == "on_poll":
                return self._poll(param, result)
            if identifier not in ACTIONS:
                raise PlaybookFailure("input", "This app has no action {!r}: update it.".format(identifier))
            given = {name: param[name] for name in ACTIONS[identifier]["inputs"] if name in param}
            answer = self._answer(identifier, given)
        except PlaybookFailure as fault:
            answer = failed(fault.sentence)
        for row in answer["data"]:
            result.add_data(row)
        summarize(result, {"rows": len(answer["data"]), "complete": answer["complete"]})
        return self._ended(result, answer["status"] == "success", lines(answer))

    def _answer(self, identifier, given):
        """Over HTTP where the asset names the service; else in process, where nothing is kept and nothing contained."""
        asset = self.get_config()
        if asset.get("server_url"):
            playbook = service(asset)
            if identifier == "test_connectivity":
                playbook.check()
            return playbook.act(identifier, given, ACTIONS[identifier]["scope"])
        return act(identifier, given, asset)

    def _poll(self, param, result):
        """Cases as containers and their detections as artifacts; the cursor moves once they are kept."""
        asset = self.get_config()
        if not asset.get("server_url"):
            raise PlaybookFailure("input", "On poll reads the cases of the service: set server_url in the asset.")
        playbook = service(asset)
        # The SDK's stand-in for the platform has no such method.
        now = getattr(self, "is_poll_now", bool)()
        state = {} if now else (self.load_state() or {})
        cases, cursor = chosen(playbook, param, asset, state.get("poll") or {})
        artifacts = 0
        most = whole(param, "artifact_count", 1000)
        for case in cases:
            artifacts += self._keep(playbook.case(case["case_id"]), asset, most - artifacts if now else most)
        if not now and cursor is not None:
            self.save_state({**state, "poll": cursor})
        summarize(result, {"rows": len(cases), "complete": True})
        return self._ended(result, True, "{} case(s), {} artifact(s)".format(len(cases), artifacts))

    def _keep(self, case, asset, most):
        """Keep one container; a repeat of a case is the same container, and of a detection the same artifact."""
        status, message, container_id = self.save_container(container_of(case, asset))
        if not status:
            raise PlaybookFailure("answer", "The platform did not keep {}: {}".format(case["case_id"], message))
        artifacts = artifacts_of(case, container_id)[: max(most, 0)]
        if artifacts:
            # Playbooks start once, when the last artifact of the container is there.
            artifacts[-1]["run_automation"] = True
            status, message, _ = self.save_artifacts(artifacts)
            if not status:
                raise PlaybookFailure("answer", "The platform did not keep {}: {}".format(case["case_id"], message))
        return len(artifacts)

    def _ended(self, result, good, message):
        # The platform formats its first argument, and a message may hold braces that somebody else wrote.
        self.save_progress("{}", message)
        return result.set_status(phantom.APP_SUCCESS if good else phantom.APP_ERROR, message)


def service(asset):
    """The service that the asset names."""
    return Playbook(
        asset["server_url"],
        asset.get("token") or "",
        asset.get("response_token") or "",
        asset.get("authorities") or "",
        float(asset.get("timeout") or 60),
    )


def chosen(playbook, param, asset, state):
    """The cases to keep, and the cursor of the next poll; None where the user named cases."""
    named = [one.strip() for one in str(param.get("container_id") or "").split(",") if one.strip()]
    if named:
        return [{"case_id": one} for one in named[:100]], None
    end = whole(param, "end_time", 0)
    start = datetime.now(timezone.utc) - timedelta(days=whole(asset, "first_poll_days", 3))
    if param.get("start_time"):
        # In milliseconds; a scheduled poll that has a cursor goes on from it.
        start = datetime.fromtimestamp(whole(param, "start_time", 0) / 1000, timezone.utc)
    cases, cursor = playbook.new_cases(state, start.isoformat(), max(whole(param, "container_count", 100), 1))
    if end and not state:
        cases = [one for one in cases if datetime.fromisoformat(one["updated_at"]).timestamp() * 1000 <= end]
        cursor = {**cursor, "seen": [one["case_id"] for one in cases]}
    return cases, cursor


def container_of(case, asset):
    """The container of a case."""
    ingest = asset.get("ingest") or {}
    verdict = case.get("verdict") or {}
    return {
        "name": "Botnet beaconing: {} ({})".format(case["host"] or case["case_id"], case["disposition"]),
        "description": "\\n".join(verdict.get("reasons") or ())[:4000],
        "label": ingest.get("container_label") or "events",
        "severity": SEVERITIES.get(case.get("severity"), "medium"),
        "source_data_identifier": case["case_id"],
        "start_time": case["first_seen"],
        "end_time": case["last_seen"],
        "data": {name: case.get(name) for name in ("case_id", "status", "disposition", "confidence", "plan_state")},
        "run_automation": False,
    }


def artifacts_of(case, container_id):
    """One artifact a detection, in the names of CEF; what is unknown is left out."""
    plan = case.get("plan") or {}
    artifacts = []
    for one in case.get("detections") or ():
        cef = {
            "sourceAddress": one.get("src_ip"),
            "sourceHostName": one.get("hostname") or case["host"],
            "destinationAddress": one.get("dst_ip"),
            "destinationPort": one.get("dst_port"),
            "destinationDnsDomain": one.get("dst_name"),
            "bytesOut": one.get("total_bytes_sent"),
            "bytesIn": one.get("total_bytes_rcvd"),
            "baseEventCount": one.get("connections"),
            "startTime": one.get("first_seen"),
            "endTime": one.get("last_seen"),
            "deviceProcessName": ", ".join(one.get("processes") or ()),
            "caseId": case["case_id"],
            "planId": plan.get("plan_id"),
            "planDigest": plan.get("digest"),
            "approvalUrl": case.get("approval_url"),
        }
        artifacts.append(
            {
                "container_id": container_id,
                "name": "Beaconing to {}:{}".format(one.get("dst_ip"), one.get("dst_port")),
                "label": "detection",
                "severity": SEVERITIES.get(case.get("severity"), "medium"),
                "source_data_identifier": one["detection_id"],
                "start_time": one.get("first_seen"),
                "end_time": one.get("last_seen"),
                "cef": {name: value for name, value in cef.items() if value not in (None, "")},
                "cef_types": CEF_TYPES,
                "run_automation": False,
            }
        )
    return artifacts


def whole(values, name, default):
    """A whole number of a parameter or setting, not below 0."""
    value = values.get(name)
    if value in (None, ""):
        return default
    try:
        return max(int(float(value)), 0)
    except (TypeError, ValueError, OverflowError):
        raise PlaybookFailure("input", "{}: expected a whole number, not {!r}".format(name, value)) from None


def summarize(result, values):
    """The summary of a result; the SDK's stand-in for the platform knows set_summary alone."""
    update = getattr(result, "update_summary", None) or result.set_summary
    update(values)


def act(identifier, given, asset):
    """The answer of one action, a failure included; secrets reach the playbook as environment variables only."""
    command = [sys.executable, "-m", "playbook", "act", identifier, "--input", "-", "--json"]
    if asset.get("config_file"):
        command += ["--config", asset["config_file"]]
    try:
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)), **secrets_of(asset))
        done = subprocess.run(
            command, input=json.dumps(given), capture_output=True, text=True, timeout=TIMEOUT_SECONDS,
            env=environment, check=False,
        )
        if "No module named playbook" in done.stderr:
            return failed("Set server_url in the asset: this package holds no wheels, so nothing runs in process.")
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return failed("no answer within {} seconds".format(TIMEOUT_SECONDS))
    except (OSError, ValueError) as fault:
        return failed("the playbook gave no answer: {}".format(fault))


def secrets_of(asset):
    """The environment variables of the asset; ValueError, without any value in it, when they are no flat object."""
    if not asset.get("secrets"):
        return {}
    try:
        values = json.loads(asset["secrets"])
    except ValueError:
        values = None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ValueError("secrets: expected a JSON object of names and texts")
    return {name: value for name, value in values.items() if name != "PYTHONPATH"}


def failed(message):
    """The shape of an answer, saying why there is none."""
    return {"status": "failed", "message": message, "complete": False, "warnings": [], "data": []}
'''

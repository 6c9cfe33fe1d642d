"""Botnet Playbook for Splunk SOAR: each action is one run of ``act``. Made, not written."""

import json
import os
import subprocess
import sys

import phantom.app as phantom
from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector

TIMEOUT_SECONDS = 900
# What each action takes; the platform adds parameters of its own, which are left out.
INPUTS = {
    "test_connectivity": (),
    "fetch_detections": (
        "source",
        "hours",
        "start",
        "end",
    ),
    "get_case": (
        "case_id",
    ),
    "judge_detection": (
        "alert",
        "src_ip",
        "dst_ip",
        "dst_port",
        "connections",
        "hourly_buckets",
        "first_seen",
        "last_seen",
        "hostname",
        "total_bytes_sent",
        "total_bytes_rcvd",
        "avg_bytes_per_conn",
        "processes",
        "services",
        "transports",
        "ntp_sized",
        "denied",
        "blocked",
        "avg_per_hour",
        "irc_port",
        "beaconing_score",
        "bytes_known",
        "detection_id",
        "source",
    ),
    "look_up_address": (
        "address",
    ),
    "look_up_host": (
        "host",
        "address",
    ),
    "propose_response": (
        "alert",
        "src_ip",
        "dst_ip",
        "dst_port",
        "connections",
        "hourly_buckets",
        "first_seen",
        "last_seen",
        "hostname",
        "total_bytes_sent",
        "total_bytes_rcvd",
        "avg_bytes_per_conn",
        "processes",
        "services",
        "transports",
        "ntp_sized",
        "denied",
        "blocked",
        "avg_per_hour",
        "irc_port",
        "beaconing_score",
        "bytes_known",
        "detection_id",
        "source",
    ),
    "add_exception": (
        "owner",
        "reason",
        "ends",
        "source",
        "destination",
        "port",
        "indicator",
    ),
    "approve_plan": (
        "plan_id",
        "digest",
        "comment",
    ),
    "comment_case": (
        "case_id",
        "comment",
    ),
    "deny_plan": (
        "plan_id",
        "digest",
        "comment",
    ),
    "file_detection": (
        "alert",
        "src_ip",
        "dst_ip",
        "dst_port",
        "connections",
        "hourly_buckets",
        "first_seen",
        "last_seen",
        "hostname",
        "total_bytes_sent",
        "total_bytes_rcvd",
        "avg_bytes_per_conn",
        "processes",
        "services",
        "transports",
        "ntp_sized",
        "denied",
        "blocked",
        "avg_per_hour",
        "irc_port",
        "beaconing_score",
        "bytes_known",
        "detection_id",
        "source",
        "sender",
    ),
    "list_exceptions": (
        "live_only",
    ),
    "resolve_case": (
        "case_id",
        "disposition",
        "reason",
        "fault",
    ),
    "write_outcome": (
        "case_id",
    ),
    "block_address": (
        "plan_id",
        "digest",
        "approved_by",
        "address",
    ),
    "block_pair": (
        "plan_id",
        "digest",
        "approved_by",
        "src_ip",
        "dst_ip",
        "dst_port",
    ),
    "isolate_host": (
        "plan_id",
        "digest",
        "approved_by",
        "host_id",
    ),
    "release_address": (
        "plan_id",
        "digest",
        "approved_by",
        "address",
    ),
    "release_host": (
        "plan_id",
        "digest",
        "approved_by",
        "host_id",
    ),
    "release_pair": (
        "plan_id",
        "digest",
        "approved_by",
        "src_ip",
        "dst_ip",
        "dst_port",
    ),
}


class BotnetPlaybookConnector(BaseConnector):
    """Hands an action to the playbook and its answer to the platform."""

    def handle_action(self, param):
        """Run the action that the platform asks for; an answer that is not complete is a failed result with rows."""
        identifier = self.get_action_identifier()
        result = self.add_action_result(ActionResult(dict(param)))
        given = {name: param[name] for name in INPUTS[identifier] if name in param}
        answer = act(identifier, given, self.get_config())
        for row in answer["data"]:
            result.add_data(row)
        result.update_summary({"rows": len(answer["data"]), "complete": answer["complete"]})
        message = "\n".join([answer["message"], *answer["warnings"]])
        self.save_progress(message)
        good = answer["status"] == "success"
        return result.set_status(phantom.APP_SUCCESS if good else phantom.APP_ERROR, message)


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
        found = json.loads(asset["secrets"])
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError("secrets: expected a JSON object of names and texts")
    return {name: value for name, value in found.items() if name != "PYTHONPATH"}


def failed(message):
    """The shape of an answer, saying why there is none."""
    return {"status": "failed", "message": message, "complete": False, "warnings": [], "data": []}

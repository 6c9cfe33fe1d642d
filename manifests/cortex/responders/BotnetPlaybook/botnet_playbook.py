"""A job of Cortex: input/input.json in, output/output.json out. Made, not written."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from botnet_playbook_client import ACTIONS, Playbook, PlaybookFailure, lines  # noqa: E402

MATCHED = {'test_connectivity': {},
 'fetch_detections': {},
 'get_case': {'other': 'case_id'},
 'judge_detection': {'ip': 'dst_ip'},
 'look_up_address': {'ip': 'address'},
 'look_up_host': {'hostname': 'host', 'fqdn': 'host'},
 'propose_response': {'ip': 'dst_ip'},
 'add_exception': {},
 'approve_plan': {},
 'comment_case': {},
 'deny_plan': {},
 'file_detection': {'ip': 'dst_ip'},
 'list_exceptions': {},
 'resolve_case': {},
 'write_outcome': {'other': 'case_id'},
 'block_address': {},
 'block_pair': {},
 'isolate_host': {},
 'release_address': {},
 'release_host': {},
 'release_pair': {}}
TAG = "botnet:"
CARRIED = ("case_id", "plan_id", "digest")
LEVELS = {
    "TRUE_POSITIVE": "malicious",
    "UNDETERMINED": "suspicious",
    "BENIGN_POSITIVE": "safe",
    "FALSE_POSITIVE": "safe",
}


def main(folder):
    """Carry out the job; 0 when its output says success."""
    with open(os.path.join(folder, "input", "input.json"), encoding="utf-8") as stream:
        job = json.load(stream)
    try:
        output = carried_out(job)
    except PlaybookFailure as fault:
        output = failed(job, fault.sentence)
    except Exception as fault:  # noqa: BLE001 without an output the user sees nothing at all
        output = failed(job, "The job does not fit this program: {}".format(type(fault).__name__))
    os.makedirs(os.path.join(folder, "output"), exist_ok=True)
    with open(os.path.join(folder, "output", "output.json"), "w", encoding="utf-8") as stream:
        json.dump(output, stream)
    return 0 if output["success"] else 1


def carried_out(job):
    """The output of one action."""
    config = job.get("config") or {}
    identifier = config.get("service")
    if identifier not in ACTIONS:
        raise PlaybookFailure("input", "This program has no action {!r}.".format(identifier))
    if config.get("check_tlp") and int(job.get("tlp", 2)) > int(config.get("max_tlp", 2)):
        raise PlaybookFailure("input", "The TLP of this object is above the most that may leave it.")
    playbook = Playbook(
        config.get("url") or "", config.get("token") or "", config.get("response_token") or "",
        config.get("authorities") or "",
    )
    given = inputs_of(job, identifier)
    answer = playbook.act(identifier, given, ACTIONS[identifier]["scope"])
    if answer["status"] != "success":
        raise PlaybookFailure("answer", "Incomplete: " + lines(answer))
    full = {"message": lines(answer), "data": answer["data"]}
    if config.get("responder"):
        return {"success": True, "full": full, "artifacts": [], "operations": operations_of(job, answer["data"])}
    return {
        "success": True,
        "summary": {"taxonomies": taxonomies_of(identifier, answer["data"])},
        "artifacts": [],
        "operations": [],
        "full": full,
    }


def inputs_of(job, identifier):
    """What the job gives to the action's inputs: the observable, tags, custom fields, an alert's own text."""
    names = ACTIONS[identifier]["inputs"]
    kind, data = job.get("dataType"), job.get("data")
    if not isinstance(data, dict):
        name = MATCHED[identifier].get(kind)
        return {name: data} if name else {}
    given = {}
    for tag in data.get("tags") or ():
        name, _, value = str(tag)[len(TAG):].partition("=")
        if str(tag).startswith(TAG) and name in names:
            given[name] = value
    for name in names:
        field = (data.get("customFields") or {}).get("botnet-" + name)
        if isinstance(field, dict):
            given[name] = next((one for key, one in field.items() if key != "order" and one is not None), None)
    if kind == "thehive:case_artifact":
        name = MATCHED[identifier].get(data.get("dataType"))
        if name:
            given.setdefault(name, data.get("data"))
    if "alert" in names and "alert" not in given and str(data.get("description") or "").lstrip()[:1] in ("{", "["):
        given["alert"] = data["description"]
    return given


def operations_of(job, rows):
    """Tags that carry the case and its plan on to the next responder."""
    kinds = {
        "thehive:case": "AddTagToCase",
        "thehive:alert": "AddTagToAlert",
        "thehive:case_artifact": "AddTagToArtifact",
    }
    row = rows[0] if rows else {}
    tags = ["{}{}={}".format(TAG, name, row[name]) for name in CARRIED if row.get(name)]
    return [{"type": kinds[job["dataType"]], "tag": tag} for tag in tags] if job.get("dataType") in kinds else []


def taxonomies_of(identifier, rows):
    """One short word for the list of observables."""
    row = rows[0] if rows else {}
    value = row.get("disposition") or "{} row(s)".format(len(rows))
    level = LEVELS.get(row.get("disposition"), "info")
    return [{"level": level, "namespace": "Botnet", "predicate": identifier, "value": value}]


def failed(job, sentence):
    """A job that failed, as the user sees it; the input comes back without its settings."""
    shown = {name: job.get(name) for name in ("dataType", "data", "tlp")}
    return {"success": False, "errorMessage": sentence, "input": json.dumps(shown)[:10000]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "/job"))

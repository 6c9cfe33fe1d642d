"""What lies beside the integration: incident type, classifier, mapper, and a playbook that asks a person."""

import uuid
from typing import Any

from playbook.platforms.xsoar._integration import FROM, ID, TYPE

PLAYBOOK = "Botnet Beaconing - Approve And Contain"
_SPACE = uuid.UUID("5d1f7f0e-3c2b-5b0e-9a64-2f4b8f6a1c77")
_CASE = {"case_id": "${incident.dbotMirrorId}"}
_STEP = {"plan_id": "${BotnetPlaybook.GetCase.plan_id}", "digest": "${BotnetPlaybook.GetCase.digest}"}


def incident_type() -> dict[str, Any]:
    """The type that fetched incidents have."""
    return {
        "id": TYPE,
        "name": TYPE,
        "version": -1,
        "vcShouldIgnore": False,
        "locked": False,
        "prevName": TYPE,
        "color": "#16324F",
        "playbookId": PLAYBOOK,
        "hours": 0,
        "days": 0,
        "weeks": 0,
        "hoursR": 0,
        "daysR": 0,
        "weeksR": 0,
        "system": False,
        "readonly": False,
        "default": False,
        "autorun": False,
        "disabled": False,
        "reputationCalc": 0,
        "onChangeRepAlg": 0,
        "sla": 0,
        "slaReminder": 0,
        "detached": False,
        "fromVersion": FROM,
    }


def classifier() -> dict[str, Any]:
    """Every case is an incident of our type."""
    return {
        "id": "Botnet Beaconing Response - Classifier",
        "name": "Botnet Beaconing Response - Classifier",
        "description": "Classifies the cases of botnet-playbook.",
        "type": "classification",
        "version": -1,
        "fromVersion": FROM,
        "defaultIncidentType": TYPE,
        "keyTypeMap": {},
        "transformer": {"complex": None, "simple": ""},
        "feed": False,
        "propagationLabels": [],
    }


def mapper() -> dict[str, Any]:
    """The reasons of get_case as the details; name, severity and time come with the incident itself."""
    columns = {"Details": "reasons"}
    mapped = {name: {"simple": column} for name, column in columns.items()}
    labels = {TYPE: {"dontMapEventToLabels": False, "internalMapping": mapped}}
    return {
        "id": "Botnet Beaconing Response - Incoming Mapper",
        "name": "Botnet Beaconing Response - Incoming Mapper",
        "description": "Maps the cases of botnet-playbook.",
        "type": "mapping-incoming",
        "version": -1,
        "fromVersion": FROM,
        "mapping": labels,
        "feed": False,
    }


def playbook() -> dict[str, Any]:
    """Read the case, ask a person, answer the plan, and look until what was set is in force."""
    tasks = {
        "0": _task("0", "start", "", {"#none#": ["1"]}),
        "1": _command("1", "Read the case", "botnet-get-case", _CASE, ["2"]),
        "2": _condition("2", "Does a plan wait?", "plan_state", "isEqualString", "waiting", "3", "9"),
        "3": _manual("3", "Approve exactly this plan?", {"Approve": ["4"], "Deny": ["8"]}),
        "4": _command("4", "Approve the plan", "botnet-approve-plan", _STEP, ["5"]),
        "5": _sleep("5", "Wait for the worker", "30", ["6"]),
        "6": _command("6", "Read what is in force", "botnet-get-case", _CASE, ["7"]),
        "7": _condition("7", "Is it in force?", "in_force", "greaterThan", "0", "10", "9"),
        "8": _command("8", "Deny the plan", "botnet-deny-plan", _STEP, ["10"]),
        "9": _task("9", "regular", "Look at the case: nothing is contained", {"#none#": ["10"]}),
        "10": _task("10", "title", "Done", {}),
    }
    for name, task in tasks.items():
        task["view"] = f'{{"position": {{"x": 50, "y": {50 + 160 * int(name)}}}}}'
    return {
        "id": PLAYBOOK,
        "version": -1,
        "name": PLAYBOOK,
        "description": "Reads the case of an incident, asks a person about exactly its plan, answers it and checks "
        "that the containment is in force. The service releases it when its time is over.",
        "starttaskid": "0",
        "tasks": tasks,
        "view": '{"linkLabelsPosition": {}, "paper": {"dimensions": {"height": 1900, "width": 380, "x": 50, "y": 50}}}',
        "inputs": [],
        "outputs": [],
        "fromversion": FROM,
        "tests": ["No tests"],
    }


def _task(number: str, kind: str, name: str, after: dict[str, list[str]], **detail: Any) -> dict[str, Any]:
    identity = str(uuid.uuid5(_SPACE, number))
    inner = {
        "id": identity,
        "version": -1,
        "name": name,
        "description": "",
        "type": kind,
        "iscommand": False,
        "brand": "",
        **detail.pop("task", {}),
    }
    links = {"nexttasks": after} if after else {}
    return {
        "id": number,
        "taskid": identity,
        "type": kind,
        "task": inner,
        **links,
        "separatecontext": False,
        "continueonerrortype": "",
        "note": False,
        "timertriggers": [],
        "ignoreworker": False,
        "skipunavailable": False,
        "quietmode": 0,
        "isoversize": False,
        "isautoswitchedtoquietmode": False,
        **detail,
    }


def _command(number: str, name: str, command: str, given: dict[str, str], after: list[str]) -> dict[str, Any]:
    inner = {"script": f"{ID}|||{command}", "iscommand": True, "brand": ID, "description": f"{name}."}
    arguments = {key: {"simple": value} for key, value in given.items()}
    return _task(number, "regular", name, {"#none#": after}, task=inner, scriptarguments=arguments)


def _sleep(number: str, name: str, seconds: str, after: list[str]) -> dict[str, Any]:
    inner = {"scriptName": "Sleep", "description": "Waits."}
    return _task(
        number, "regular", name, {"#none#": after}, task=inner, scriptarguments={"seconds": {"simple": seconds}}
    )


def _manual(number: str, name: str, after: dict[str, list[str]]) -> dict[str, Any]:
    text = (
        "Case ${BotnetPlaybook.GetCase.case_id} of ${BotnetPlaybook.GetCase.host}. Steps of the plan: "
        "${BotnetPlaybook.GetCase.steps}. Digest ${BotnetPlaybook.GetCase.digest}."
    )
    return _task(number, "condition", name, after, task={"description": text})


def _condition(number: str, name: str, column: str, operator: str, right: str, yes: str, no: str) -> dict[str, Any]:
    left = {"value": {"simple": f"{ID}.GetCase.{column}"}, "iscontext": True}
    rule = {"operator": operator, "left": left, "right": {"value": {"simple": right}}}
    return _task(
        number,
        "condition",
        name,
        {"#default#": [no], "yes": [yes]},
        conditions=[{"label": "yes", "condition": [[rule]]}],
        task={"description": f"{name}"},
    )

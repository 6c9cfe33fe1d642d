"""Microsoft Sentinel: ARM templates of playbooks: one an action, and one that takes an incident to its containment."""

from collections.abc import Mapping, Sequence
from typing import Any

from playbook.actions import Action, DataType
from playbook.platforms._archives import zip_file
from playbook.platforms._texts import (
    ABOUT,
    ADDRESS_HELP,
    NAME,
    PUBLISHER,
    RESPONSE_HELP,
    TITLE,
    TOKEN_HELP,
    document,
    release,
    verbose,
)

_ARM = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
_LOGIC = "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#"
_TYPES: dict[DataType, str] = {"text": "string", "integer": "integer", "number": "number", "boolean": "boolean"}
_INCIDENT = "incident_to_containment"
# The first row of what filing the incident gave.
_ROW = "first(body('file')?['data'])"
_TEXT = (
    f"Case @{{{_ROW}?['case_id']}} of @{{{_ROW}?['host']}}: @{{{_ROW}?['disposition']}}. Steps of the plan: "
    f"@{{{_ROW}?['steps']}}. Digest @{{{_ROW}?['digest']}}. @{{{_ROW}?['approval_url']}}"
)
_DOWN = {
    "status": "failed",
    "error": "botnet-playbook cannot be reached; nothing is known to be changed. Check that the service runs and that "
    "the address is right.",
    "data": [],
}


def render(catalogue: Sequence[Action]) -> dict[str, str | bytes]:
    """A template an action, and the playbook for incidents."""
    files = {f"{action.identifier}.json": document(_of_action(action)) for action in catalogue}
    return {"README.md": _README, f"{_INCIDENT}.json": document(_of_incident()), **files}


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The templates as one zip; each is deployed by itself."""
    return {f"{NAME}-sentinel-{release()}.zip": zip_file(files)}


def _of_action(action: Action) -> dict[str, Any]:
    answers = action.scope in ("approve", "contain")
    schema = {
        "type": "object",
        "properties": {slot.name: {"type": _TYPES[slot.type]} for slot in action.inputs},
        "required": [slot.name for slot in action.inputs if slot.required],
    }
    token = "response_token" if answers else "token"
    actions = {
        "call": _call(action.identifier, token, "@triggerBody()", {}),
        "answered": _response(200, "@body('call')", {"call": ["Succeeded"]}),
        "refused": _response(
            "@coalesce(outputs('call')?['statusCode'], 502)",
            "@coalesce(outputs('call')?['body'], parameters('down'))",
            {"call": ["Failed", "TimedOut"]},
        ),
    }
    trigger = {"manual": {"type": "Request", "kind": "Http", "inputs": {"schema": schema}}}
    settings = {"url": "String", token: "SecureString"}
    name = f"Botnet-{action.name.title().replace(' ', '-')}"
    return _template(name, verbose(action), settings, trigger, actions, ())


def _of_incident() -> dict[str, Any]:
    """File the incident, ask a person about exactly its plan, answer it, and say in the incident what became of it."""
    alert = {"alert": "@string(triggerBody())", "sender": "@parameters('sender')"}
    actions = {
        "file": _call("file_detection", "token", alert, {}),
        "plan_waits": _if(f"@{_ROW}?['plan_state']", "waiting", _asked(), {"say_no_plan": _comment(_TEXT, {})}, "file"),
        "say_failed": _comment(
            "botnet-playbook did not take the incident: "
            "@{coalesce(outputs('file')?['body']?['error'], parameters('down')['error'])}",
            {"file": ["Failed", "TimedOut"]},
        ),
    }
    trigger = {
        "incident": {
            "type": "ApiConnectionWebhook",
            "inputs": {
                "body": {"callback_url": "@{listCallbackUrl()}"},
                "host": _host("azuresentinel"),
                "path": "/incident-creation",
            },
        }
    }
    settings = {"url": "String", "token": "SecureString", "response_token": "SecureString"}
    settings |= {"sender": "String", "approvers": "String"}
    about = "Files an incident, asks the approvers about exactly its plan, answers it and comments the incident."
    return _template("Botnet-Incident", about, settings, trigger, actions, ("azuresentinel", "office365"))


def _asked() -> dict[str, Any]:
    """The question to the approvers, and what follows from the answer."""
    plan = {"plan_id": f"@{_ROW}?['plan_id']", "digest": f"@{_ROW}?['digest']"}
    deny = {
        "deny": _call("deny_plan", "response_token", plan, {}),
        "say_denied": _comment("The plan was denied; nothing is contained.", {"deny": ["Succeeded"]}),
    }
    answer = _if("@body('ask')?['SelectedOption']", "Approve", _approved(plan), deny, "ask")
    return {"ask": _question(_TEXT), "answered": answer}


def _approved(plan: dict[str, str]) -> dict[str, Any]:
    """The approval, and a wait until the worker has set and verified the steps."""
    look = _call("get_case", "token", {"case_id": f"@{_ROW}?['case_id']"}, {})
    pause = {"interval": {"count": 30, "unit": "Second"}}
    return {
        "approve": _call("approve_plan", "response_token", plan, {}),
        "until_in_force": {
            "type": "Until",
            "expression": "@greater(coalesce(first(body('look')?['data'])?['in_force'], 0), 0)",
            "limit": {"count": 20, "timeout": "PT15M"},
            "actions": {"look": look, "wait": {"type": "Wait", "inputs": pause, "runAfter": {"look": ["Succeeded"]}}},
            "runAfter": {"approve": ["Succeeded"]},
        },
        "say_set": _comment(
            "@{first(body('look')?['data'])?['containments']}", {"until_in_force": ["Succeeded", "Failed"]}
        ),
        "say_refused": _comment("@{outputs('approve')?['body']?['error']}", {"approve": ["Failed"]}),
    }


def _if(left: str, right: str, then: dict[str, Any], other: dict[str, Any], after: str) -> dict[str, Any]:
    return {
        "type": "If",
        "expression": {"equals": [left, right]},
        "actions": then,
        "else": {"actions": other},
        "runAfter": {after: ["Succeeded"]},
    }


def _call(identifier: str, token: str, body: Any, after: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "type": "Http",
        "inputs": {
            "method": "POST",
            "uri": f"@{{parameters('url')}}/api/actions/{identifier}",
            "headers": {
                "Authorization": f"Bearer @{{parameters('{token}')}}",
                "Content-Type": "application/json",
            },
            "body": body,
            # The platform would repeat a change by itself.
            "retryPolicy": {"type": "none"},
        },
        "runAfter": after,
        "runtimeConfiguration": {"secureData": {"properties": ["inputs"]}},
    }


def _response(status: Any, body: str, after: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "type": "Response",
        "kind": "Http",
        "inputs": {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": body},
        "runAfter": after,
    }


def _question(text: str) -> dict[str, Any]:
    message = {
        "To": "@parameters('approvers')",
        "Subject": "Approve a containment?",
        "Options": "Approve, Deny",
        "Body": text,
        "ShowHTMLConfirmationDialog": True,
    }
    return {
        "type": "ApiConnectionWebhook",
        "inputs": {
            "body": {"Message": message, "NotificationUrl": "@{listCallbackUrl()}"},
            "host": _host("office365"),
            "path": "/approvalmail/$subscriptions",
        },
        # No answer is no: the service's own request expires, too.
        "limit": {"timeout": "P1D"},
        "runAfter": {},
    }


def _comment(text: str, after: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "type": "ApiConnection",
        "inputs": {
            "body": {"incidentArmId": "@triggerBody()?['object']?['id']", "message": text},
            "host": _host("azuresentinel"),
            "method": "post",
            "path": "/Incidents/Comment",
        },
        "runAfter": after,
    }


def _host(name: str) -> dict[str, Any]:
    return {"connection": {"name": f"@parameters('$connections')['{name}']['connectionId']"}}


def _template(
    name: str,
    about: str,
    settings: Mapping[str, str],
    triggers: dict[str, Any],
    actions: dict[str, Any],
    connections: Sequence[str],
) -> dict[str, Any]:
    definition = {
        "$schema": _LOGIC,
        "contentVersion": "1.0.0.0",
        "parameters": {key: {"type": kind} for key, kind in settings.items()}
        | {"down": {"type": "Object", "defaultValue": _DOWN}}
        | ({"$connections": {"type": "Object", "defaultValue": {}}} if connections else {}),
        "triggers": triggers,
        "actions": actions,
        "outputs": {},
    }
    values: dict[str, Any] = {key: {"value": f"[parameters('{key}')]"} for key in settings}
    if connections:
        values["$connections"] = {"value": {one: _connection(one) for one in connections}}
    return {
        "$schema": _ARM,
        "contentVersion": f"{release()}.0",
        "metadata": {"title": f"{TITLE}: {name}", "description": about, "author": {"name": PUBLISHER}},
        "parameters": {"name": {"type": "string", "defaultValue": name}}
        | {key: _parameter(key, kind) for key, kind in settings.items()}
        | {f"{one}_connection": {"type": "string", "defaultValue": f"{one}-{name}"} for one in connections},
        "resources": [
            {
                "type": "Microsoft.Logic/workflows",
                "apiVersion": "2019-05-01",
                "name": "[parameters('name')]",
                "location": "[resourceGroup().location]",
                "identity": {"type": "SystemAssigned"},
                "tags": {"hidden-SentinelTemplateName": name, "hidden-SentinelTemplateVersion": release()},
                "properties": {"state": "Enabled", "definition": definition, "parameters": values},
            }
        ],
    }


def _parameter(key: str, kind: str) -> dict[str, Any]:
    helps = {"url": ADDRESS_HELP, "token": TOKEN_HELP, "response_token": RESPONSE_HELP}
    helps |= {"sender": "Name of the [alerts.NAME] table that reads incidents", "approvers": "Addresses, by semicolon"}
    return {
        "type": "securestring" if kind == "SecureString" else "string",
        "metadata": {"description": f"{helps[key]}."},
    }


def _connection(name: str) -> dict[str, Any]:
    place = "subscription().id, '/providers/Microsoft.Web/locations/', resourceGroup().location, '/managedApis/"
    connection = {
        "connectionId": f"[resourceId('Microsoft.Web/connections', parameters('{name}_connection'))]",
        "connectionName": f"[parameters('{name}_connection')]",
        "id": f"[concat({place}{name}')]",
    }
    managed = {"connectionProperties": {"authentication": {"type": "ManagedServiceIdentity"}}}
    return connection | (managed if name == "azuresentinel" else {})


_README = f"""# {TITLE} for Microsoft Sentinel

{ABOUT}. Made from the catalogue of actions by `botnet-playbook manifests write sentinel`; do not edit it here.

- `{_INCIDENT}.json`: a playbook for an automation rule. It files the incident, asks the approvers by mail about exactly
  the plan, answers it, waits until the containment is in force and comments the incident. It uses two API connections
  that have to be there: azuresentinel (managed identity, role Microsoft Sentinel Responder) and office365.
- every other template: one action behind a request trigger, to be called from playbooks of your own.

The service has to be reachable by HTTPS with a certificate that Azure knows. Tokens are secure parameters: give them
by a reference to a key vault.
"""

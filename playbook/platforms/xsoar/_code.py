"""The integration's program: what XSOAR runs once a command, a test of the instance, or a fetch of incidents."""

HEAD = """import demistomock as demisto  # noqa: F401
from CommonServerPython import *  # noqa: F401

"""
# What follows the client's text, which defines Playbook, PlaybookFailure, ACTIONS and lines.
TAIL = '''

PREFIX = "botnet-"
SEVERITIES = {"critical": 4, "high": 3, "medium": 2, "low": 1, "informational": 0.5}
UNITS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}
KEYS = ("case_id", "plan_id", "detection_id", "connector", "target", "address")


def connected(params):
    """The service that the instance names."""
    token, response = params.get("credentials") or {}, params.get("response_credentials") or {}
    return Playbook(
        params.get("url") or "",
        token.get("password") or "",
        response.get("password") or "",
        params.get("authorities") or "",
        float(params.get("timeout") or 60),
    )


def identifier_of(command):
    """botnet-look-up-address -> look_up_address."""
    identifier = command[len(PREFIX):].replace("-", "_") if command.startswith(PREFIX) else ""
    if identifier not in ACTIONS:
        raise PlaybookFailure("input", "{} is no command of this integration.".format(command))
    return identifier


def carried_out(playbook, command, args):
    """The results of one command; an incomplete answer keeps its rows and says so."""
    identifier = identifier_of(command)
    action = ACTIONS[identifier]
    given = {name: args[name] for name in action["inputs"] if args.get(name) not in (None, "")}
    answer = playbook.act(identifier, given, action["scope"])
    title = lines(answer) if answer["status"] == "success" else "INCOMPLETE: " + lines(answer)
    keys = [name for name in KEYS if answer["data"] and name in answer["data"][0]]
    return CommandResults(
        outputs_prefix="BotnetPlaybook." + "".join(part.capitalize() for part in identifier.split("_")),
        outputs_key_field=keys[0] if keys else None,
        outputs=answer["data"],
        readable_output=tableToMarkdown(title, answer["data"], removeNull=True),
        raw_response=answer,
    )


def tested(playbook, params):
    """"ok", or the sentence that says what to mend."""
    playbook.check()
    if params.get("isFetch"):
        started(params)
    return "ok"


def started(params):
    """When the first fetch begins, ISO 8601: a number of minutes, hours, days or weeks ago."""
    words = str(params.get("first_fetch") or "3 days").lower().split()
    unit = words[1].rstrip("s") if len(words) == 2 else ""
    if unit not in UNITS or not words[0].isdigit() or not 0 < int(words[0]) <= 10000:
        raise PlaybookFailure("input", "First fetch: expected a number and minutes, hours, days or weeks, as 3 days.")
    return (datetime.now(timezone.utc) - timedelta(seconds=int(words[0]) * UNITS[unit])).isoformat()


def incidents(playbook, params, last_run):
    """The incidents that were not fetched before, and what the next fetch has to know."""
    limit = int(params.get("max_fetch") or 50)
    cases, state = playbook.new_cases(last_run or {}, started(params), max(1, min(limit, 200)))
    fetched = []
    for case in cases:
        row = playbook.act("get_case", {"case_id": case["case_id"]}, "investigate")["data"][0]
        fetched.append(
            {
                "name": "Botnet beaconing: {} ({})".format(row["host"] or case["case_id"], row["disposition"]),
                "occurred": str(row["first_seen"] or case["opened_at"]).replace("+00:00", "Z"),
                "severity": SEVERITIES.get(row["severity"], 0),
                "details": row["reasons"],
                "dbotMirrorId": case["case_id"],
                "rawJSON": json.dumps(row),
            }
        )
    return fetched, state


def main():
    """One run of the integration."""
    command, params = demisto.command(), demisto.params()
    try:
        playbook = connected(params)
        if command == "test-module":
            return_results(tested(playbook, params))
        elif command == "fetch-incidents":
            fetched, state = incidents(playbook, params, demisto.getLastRun())
            # The cursor moves only when the incidents are handed over.
            demisto.incidents(fetched)
            demisto.setLastRun(state)
        else:
            return_results(carried_out(playbook, command, demisto.args()))
    except PlaybookFailure as fault:
        return_error(fault.sentence)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
'''

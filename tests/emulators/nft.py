"""A stand-in for the nft program, for machines without it: one table in a JSON file, in nft 1.0.6's own words.

Run as ``python nft.py STATE -j list table inet NAME`` or ``python nft.py STATE -f -``. Only the standard library.
Its clock stands in the state file and moves by ``later`` alone.
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

SETS = ("addresses4", "addresses6", "pairs4", "pairs6")
_TO, _FROM = ("saddr", "daddr", "dport"), ("daddr", "saddr", "sport")
_COMMAND = re.compile(
    r"(create|add|delete) element inet (\w+) (\w+) \{ ([0-9a-f:. ]+?)"
    r'(?: timeout (\d+)s comment "([\w.-]+)")? \}'
)


def fresh(path: Path, table: str = "botnet_playbook", sets: tuple[str, ...] = SETS, **modes: Any) -> None:
    """Start over: empty sets with rules that drop. Modes: ``slow_s`` (hang after the effect), ``idle``
    (rules that accept), ``without`` (of these directions, "to" or "from", there is no rule), ``rules`` (the rules of
    the table as nft's JSON, instead of those of the documented snippet)."""
    path.write_text(json.dumps({"table": table, "sets": {name: {} for name in sets}, "writes": [], "now": 0, **modes}))


def later(path: Path, seconds: float) -> None:
    """As if so much time had gone by."""
    state = json.loads(path.read_text())
    path.write_text(json.dumps(state | {"now": state["now"] + seconds}))


def elements(path: Path) -> dict[str, dict[str, Any]]:
    """What the sets hold, as ``{set: {element: {...}}}``, and nothing that has ended."""
    state = json.loads(path.read_text())
    return {
        name: {e: body for e, body in held.items() if body["end"] > state["now"]}
        for name, held in state["sets"].items()
    }


def listing(state: dict[str, Any]) -> dict[str, Any]:
    """The table as nft's JSON."""
    items: list[dict[str, Any]] = [
        {"metainfo": {"version": "1.0.6"}},
        {"chain": {"table": state["table"], "name": "forward", "hook": "forward", "prio": -10}},
    ]
    for name, held in state["sets"].items():
        elems = [
            {
                "elem": {
                    "val": _value(text),
                    "timeout": body["timeout"],
                    "expires": int(body["end"] - state["now"]),
                    "comment": body["comment"],
                    "counter": {"packets": 0, "bytes": 0},
                }
            }
            for text, body in held.items()
        ]
        items.append({"set": {"name": name, "flags": ["timeout"], "elem": elems, "stmt": [{"counter": None}]}})
        items += [] if "rules" in state else rules_of(name, state)
    return {"nftables": [*items, *state.get("rules", [])]}


def rules_of(name: str, state: dict[str, Any]) -> list[dict[str, Any]]:
    """The two rules of a set in the documented snippet."""
    verdict = {"accept": None} if state.get("idle") else {"drop": None}
    directions = {"to": _TO, "from": _FROM} if name.startswith("pairs") else {"to": _TO[1:2], "from": _TO[:1]}
    return [
        {"rule": {"chain": "forward", "expr": [*_matches(name, fields), {"counter": {"packets": 0}}, verdict]}}
        for direction, fields in directions.items()
        if direction not in state.get("without", ())
    ]


def _matches(name: str, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    family = "ip6" if name.endswith("6") else "ip"
    parts = [{"payload": {"protocol": "th" if "port" in field else family, "field": field}} for field in fields]
    transports = {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": {"set": ["tcp", "udp"]}}
    left = {"concat": parts} if len(parts) > 1 else parts[0]
    looked_up = {"op": "==", "left": left, "right": f"@{name}"}
    return [{"match": transports}, {"match": looked_up}] if len(parts) > 1 else [{"match": looked_up}]


def _value(text: str) -> Any:
    parts = [int(part) if part.isdigit() else part for part in text.split(" . ")]
    return {"concat": parts} if len(parts) > 1 else parts[0]


def write(state: dict[str, Any], script: str) -> None:
    """Carry out a script, all of it or none; anything but our three commands ends as a syntax error."""
    for line in script.splitlines():
        command = _COMMAND.fullmatch(line)
        if command is None:
            raise SystemExit("Error: syntax error, unexpected newline")
        verb, table, name, element, timeout, comment = command.groups()
        if table != state["table"] or name not in state["sets"]:
            raise SystemExit("Error: No such file or directory")
        held = state["sets"][name]
        if verb == "delete" and held.pop(element, None) is None:
            raise SystemExit("Error: Could not process rule: No such file or directory")
        if verb == "create" and element in held:
            raise SystemExit("Error: Could not process rule: File exists")
        if verb != "delete" and element not in held:  # adding again leaves the timeout as it was, as old kernels do
            seconds = int(timeout or 10**6)
            held[element] = {"timeout": seconds, "end": state["now"] + seconds, "comment": comment or ""}
    state["writes"].append(script)


def main(path: Path, arguments: list[str]) -> None:
    """One call of the program."""
    state = json.loads(path.read_text())
    state["sets"] = elements(path)
    if arguments[:1] == ["-j"]:
        if arguments[1:] != ["list", "table", "inet", state["table"]]:
            raise SystemExit("Error: No such file or directory\nlist table inet x")
        sys.stdout.write(json.dumps(listing(state)))
        return
    write(state, sys.stdin.read())
    path.write_text(json.dumps(state))
    time.sleep(state.get("slow_s", 0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

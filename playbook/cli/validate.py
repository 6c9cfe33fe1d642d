"""validate: the seed's four Atomic tests and a variant of each, through the detection and the hunts."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from playbook.assembly import log_source
from playbook.cli._options import emit, now
from playbook.config import Config
from playbook.detections.hunts import HUNTS
from playbook.model.site import Networks
from playbook.simulate.atomic import BEACONING, BEACONING_SEED, LAB, Exercise, exercises, why_not
from playbook.simulate.endpoint import gathered, sysmon
from playbook.simulate.loopback import MOST_ATTEMPTS, MOST_SECONDS, Played, play
from playbook.simulate.records import together
from playbook.simulate.zeek import write

# Sensor -> host name (of an endpoint) or address (on the wire) -> what fired.
_Fired = dict[str, dict[str, set[str]]]
_SAYS = {"endpoint": "on the endpoint", "sensor": "on the wire"}
_LIVE_NOTE = (
    "A network sensor should have seen none of this: loopback never reaches the wire. An endpoint sensor that records "
    "failed attempts (Defender: ConnectionFailed) should have all of them under this process; Sysmon records a "
    "connection that came about, so an unanswered attempt may leave no event 3. Names were not looked up: that would "
    "leave the machine."
)


@click.command(name="validate")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option(
    "--live",
    is_flag=True,
    help=f"Also make the attempts of tests 1 to 3, to 127.0.0.1 only (at most {MOST_ATTEMPTS}, {MOST_SECONDS:g} s).",
)
@click.pass_context
def command(ctx: click.Context, as_json: bool, live: bool) -> None:
    """Check which detection or hunt fires on the seed's four Atomic tests, and on what they would have to be.

    The telemetry is made up, written to a temporary folder and read like any log; no configuration is used.
    Exit code 0 when everything came out as expected, 128 when this code does not see what it should, or sees more.
    """
    played = play(lambda line: click.echo(line, err=True)) if live else ()
    with TemporaryDirectory(prefix="validate-") as folder:
        results = [_result(one, fired) for fired in [_fired(Path(folder))] for one in exercises()]
    as_expected = all(one["as_expected"] for one in results)
    if as_json:
        document = {"as_expected": as_expected, "tests": results}
        emit(document | ({"live": [one.model_dump() for one in played], "live_note": _LIVE_NOTE} if live else {}))
    else:
        click.echo(_text(results, played), nl=False)
    ctx.exit(0 if as_expected else 128)


def _fired(folder: Path) -> _Fired:
    """What fires over the telemetry of all exercises at once, as an endpoint and as a network sensor recorded it."""
    every = exercises()
    endpoint, sensor = folder / "endpoint", folder / "sensor"
    endpoint.mkdir()
    (endpoint / "sysmon.jsonl").write_text(sysmon(gathered(one.endpoint for one in every)), encoding="utf-8")
    write(together(one.sensor for one in every), sensor)
    return {"endpoint": _over(endpoint, "hostname"), "sensor": _over(sensor, "src_ip")}


def _over(folder: Path, whose: str) -> dict[str, set[str]]:
    """What fired over the logs of a folder, by the value of the column ``whose``."""
    found: dict[str, set[str]] = defaultdict(set)
    config = Config(networks=Networks(lab=LAB))
    for name, profile in ((BEACONING, "default"), (BEACONING_SEED, "seed")):
        settings = {"profile": profile, "keep_traffic": False}
        with closing(log_source(config, "validate", [str(folder)], settings, now())) as source:
            for detection in (d for fetched in source.fetch(None) for d in fetched.detections):
                found[getattr(detection, whose)].add(name)
    with closing(log_source(config, "validate", [str(folder)], {}, now())) as source:
        for hunt in HUNTS:
            for row in source.hunt(hunt, endpoint=whose == "hostname")[0]:
                found[row[whose]].add(hunt)
    return found


def _result(exercise: Exercise, fired: _Fired) -> dict[str, Any]:
    """One exercise: what fired and what should have, and why the seed's query cannot."""
    seen = {
        "endpoint": fired["endpoint"].get(exercise.host, set()),
        "sensor": fired["sensor"].get(exercise.address, set()),
    }
    expected = {"endpoint": exercise.fires_on_endpoint, "sensor": exercise.fires_on_sensor}
    reasons = why_not(exercise)
    blind = not any(BEACONING_SEED in names for names in seen.values())
    return {
        "test": exercise.name,
        "title": exercise.title,
        "changed": exercise.changed or None,
        "fires": {place: sorted(names) for place, names in seen.items()},
        "expected": {place: sorted(names) for place, names in expected.items()},
        "why_the_seed_cannot": list(reasons),
        "as_expected": all(seen[place] == set(expected[place]) for place in seen) and blind == bool(reasons),
    }


def _text(results: Iterable[dict[str, Any]], played: Iterable[Played]) -> str:
    lines = []
    for one in results:
        lines += [f"test {one['test']}  {one['title']}"] + ([f"  changed: {one['changed']}"] if one["changed"] else [])
        for place, names in one["fires"].items():
            lines.append(f"  fires {_SAYS[place]}: {', '.join(names) or 'nothing'}")
            if names != one["expected"][place]:
                lines.append(f"  NOT AS EXPECTED: {', '.join(one['expected'][place]) or 'nothing'}")
        if one["why_the_seed_cannot"]:
            lines.append(f"  the seed's query cannot: {'; '.join(one['why_the_seed_cannot'])}")
    for live in played:
        lines.append(f"live test {live.name}: {live.made} of {live.planned} attempts made, {live.answered} answered")
    return "\n".join([*lines, *([_LIVE_NOTE] if played else [])]) + "\n"

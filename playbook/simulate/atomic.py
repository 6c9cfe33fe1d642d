"""The seed's four Atomic tests as telemetry, and of each a variant that the beaconing detection does see."""

from collections import Counter
from random import Random

from playbook.detections.beaconing import IRC_PORTS, MIN_CONNECTIONS, MIN_HOURS, SEED_INTERNAL
from playbook.model import Value
from playbook.model.address import parse, within
from playbook.simulate.endpoint import Endpoint, LookUp, Opened, Process
from playbook.simulate.flows import HOUR, question, tcp, uid
from playbook.simulate.inventories import digest
from playbook.simulate.records import Question, Telemetry
from playbook.simulate.sample_day import START

LOOPBACK = "127.0.0.1"
C2 = "198.51.100.77"
RESOLVER = "10.1.0.53"
LAB = ("198.51.100.0/24",)
ATTEMPTS, GAP_S = 30, 5.0
BURST = 150
NAMES = 60
BEACON_PORT, IRC_PORT = 8080, 6667
BEACONING, BEACONING_SEED = "beaconing", "beaconing (the seed's query)"
_BOTH = (BEACONING, BEACONING_SEED)

_SEED = 2026
_BEGIN = START + 10 * HOUR
_POWERSHELL = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
_Attempts = list[tuple[float, int]]  # seconds from the beginning, destination port


class Exercise(Value):
    """One test, or its variant: what both sensors recorded, and what is expected to fire over each one's log.

    ``changed`` says what a variant does otherwise; it is empty for the test itself. A network sensor never sees
    loopback, so that ``sensor`` may be empty.
    """

    name: str
    title: str
    changed: str = ""
    host: str
    address: str
    endpoint: Endpoint
    sensor: Telemetry = Telemetry()
    fires_on_endpoint: tuple[str, ...] = ()
    fires_on_sensor: tuple[str, ...] = ()


def random_ports(rng: Random) -> tuple[int, ...]:
    """The ports of the burst: no two alike, and none of IRC, which would be another test."""
    return tuple(rng.sample([port for port in range(1024, 65536) if port not in IRC_PORTS], BURST))


def exercises() -> tuple[Exercise, ...]:
    """The four tests, each followed by its variant; the same values at every call."""
    return (*_beacon_loop(), *_irc(), *_burst(), *_names())


def why_not(exercise: Exercise) -> tuple[str, ...]:
    """Every reason why the seed's query cannot fire on this exercise, counted from its telemetry."""
    opened = exercise.endpoint.opened
    if not opened:
        return ("these are DNS look-ups, and it reads connections only",)
    reasons = []
    if all(_internal(one.dst_ip) for one in opened):
        reasons.append("it leaves out loopback, and every attempt goes there")
    tuples = Counter((one.dst_ip, one.dst_port) for one in opened)
    most = max(tuples.values())
    if most < MIN_CONNECTIONS:
        said = f"{most} attempt{'s' if most > 1 else ''} at most to one port of one address"
        reasons.append(f"{said}, and it wants {MIN_CONNECTIONS}")
    lasted = max(one.ts for one in opened) - min(one.ts for one in opened)
    hours = max(len({one.ts // HOUR for one in opened if (one.dst_ip, one.dst_port) == key}) for key in tuples)
    if hours < MIN_HOURS:
        lies = f"all of it lies in {lasted / 60:.1f} minutes, {hours} hour{'s' if hours > 1 else ''} of the clock"
        reasons.append(f"{lies}, and it wants {MIN_HOURS}")
    return tuple(reasons)


def _internal(text: str) -> bool:
    address = parse(text)
    return address is not None and within(address, SEED_INTERNAL)


def _beacon_loop() -> tuple[Exercise, Exercise]:
    loop = [(number * GAP_S, BEACON_PORT) for number in range(ATTEMPTS)]
    every_minute = [(number * 60.0, BEACON_PORT) for number in range(211)]
    return (
        _exercise(1, "PowerShell beacon loop: 30 attempts in 2.5 minutes to 127.0.0.1:8080", _local(loop)),
        _exercise(
            1,
            "PowerShell beacon loop",
            _outside(every_minute),
            _BOTH,
            _BOTH,
            "an outside address, every minute for three and a half hours",
        ),
    )


def _irc() -> tuple[Exercise, Exercise]:
    slow = [(number * 600.0, IRC_PORT) for number in range(24)]
    return (
        _exercise(2, "IRC: one attempt to 127.0.0.1:6667", _local([(0.0, IRC_PORT)]), ("irc",)),
        _exercise(
            2, "IRC", _outside(slow), (*_BOTH, "irc"), (*_BOTH, "irc"), "an outside address, 24 attempts in four hours"
        ),
    )


def _burst() -> tuple[Exercise, Exercise]:
    once = [(60 + number * 0.4, port) for number, port in enumerate(random_ports(Random(_SEED)))]
    thrice = [(60 + hour * HOUR + number * 0.8, 80) for hour in range(MIN_HOURS) for number in range(BURST)]
    fires = (*_BOTH, "ddos-burst")
    return (
        _exercise(3, "burst: 150 connections to random ports of 127.0.0.1", _local(once), ("ddos-burst",)),
        _exercise(
            3,
            "burst",
            _outside(thrice),
            fires,
            fires,
            "one port of one outside address, a burst in each of three hours",
        ),
    )


def _names() -> tuple[Exercise, Exercise]:
    every_minute = [(300 + number * 60.0, 443) for number in range(211)]
    fires = (*_BOTH, "dga-burst")
    return (
        _exercise(4, "DGA: 60 look-ups of names that do not exist", [], ("dga-burst",), ("dga-burst",), asks=NAMES),
        _exercise(
            4,
            "DGA",
            _outside(every_minute),
            fires,
            fires,
            "one of the names exists, and its address is called every minute for three and a half hours",
            NAMES,
        ),
    )


def _local(attempts: _Attempts) -> list[tuple[float, str, int]]:
    return [(offset, LOOPBACK, port) for offset, port in attempts]


def _outside(attempts: _Attempts) -> list[tuple[float, str, int]]:
    return [(offset, C2, port) for offset, port in attempts]


def _exercise(
    number: int,
    title: str,
    attempts: list[tuple[float, str, int]],
    on_endpoint: tuple[str, ...] = (),
    on_sensor: tuple[str, ...] = (),
    changed: str = "",
    asks: int = 0,
) -> Exercise:
    """Both sensors' telemetry of these attempts (offset in seconds, address, port) after ``asks`` failed names."""
    rng, name = Random(_SEED + number), f"{number}{'v' if changed else ''}"
    host, address = f"atomic-{name}.example", f"10.1.9.{number + (100 if changed else 0)}"
    process = Process(
        host=host,
        guid=f"{{{digest(host)[:8]}-0000-0000-0000-000000000001}}",
        image=_POWERSHELL,
        started=_BEGIN - 1,
        command_line="powershell.exe -NoProfile -File atomic.ps1",
        sha256=digest("powershell 5.1"),
    )
    opened, flows = [], []
    for count, (offset, to, port) in enumerate(attempts):
        source = LOOPBACK if to == LOOPBACK else address
        flow = tcp(rng, uid(address, "t", count), _BEGIN + offset, (source, to, port), 220, 300, 0.3)
        opened.append(
            Opened(ts=flow.ts, process=process, src_ip=source, src_port=flow.src_port, dst_ip=to, dst_port=port)
        )
        flows += [flow] if to != LOOPBACK else []
    asked = [_generated(rng, address, count, bool(attempts) and count == asks - 1) for count in range(asks)]
    look_ups = tuple(LookUp(ts=q.ts, process=process, query=q.query, addresses=q.answers) for q in asked)
    return Exercise(
        name=name,
        title=title,
        changed=changed,
        host=host,
        address=address,
        endpoint=Endpoint(processes=(process,), opened=tuple(opened), look_ups=look_ups),
        sensor=Telemetry(connections=tuple(flows), questions=tuple(asked)),
        fires_on_endpoint=on_endpoint,
        fires_on_sensor=on_sensor,
    )


def _generated(rng: Random, address: str, count: int, answered: bool) -> Question:
    """A look-up of a generated name, every four seconds; only the last one leads to the server."""
    name = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=14)) + ".example"
    answers = (C2,) if answered else ()
    return question(rng, uid(address, "q", count), _BEGIN + count * 4.0, address, RESOLVER, name, answers)

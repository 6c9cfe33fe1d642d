"""What a SIEM is asked about detections once they are found: start times, users of destinations, busy quarters."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from connectors.sources._siem import connection_times, coverage, host_activity, prevalence
from connectors.sources._siem.coverage import Read, Start
from connectors.sources._siem.host_activity import Quarter
from connectors.sources._siem.prevalence import Users
from playbook.errors import ConnectorError, RateLimited, Unauthorized, Unreachable
from playbook.model.detection import Detection, TimeWindow
from playbook.model.site import Networks
from playbook.model.traffic import Traffic

_DAY = timedelta(days=1)


class FollowUpAnswer(Protocol):
    """The rows of a search, and why some are missing ("": none are)."""

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]: ...

    @property
    def truncated(self) -> str: ...

    @property
    def over(self) -> bool:
        """Whether the one reason is that there were more rows than are taken."""


class Siem(NamedTuple):
    """How one is asked: the module of its ``language`` and that of its ``rows``, and (preset, scope, fields).

    ``run`` runs a text over ``window`` and raises ConnectorError; ``hours`` are the rows per hour of that window,
    ``budget`` is how many start times may be asked for, ``never`` says what it is not asked.
    """

    name: str
    language: ModuleType
    rows: ModuleType
    place: tuple[str, str, Mapping[str, str]]
    window: TimeWindow
    budget: int
    run: Callable[[str], FollowUpAnswer]
    hours: Callable[[], Iterable[coverage.HourRows]]
    never: tuple[str, ...]


def _until_it_is_down(run: Callable[[str], FollowUpAnswer]) -> Callable[[str], FollowUpAnswer]:
    """``run`` that asks no more after a search that nothing was to answer: the rest fails at once, for that reason."""
    down: list[ConnectorError] = []

    def tried(text: str) -> FollowUpAnswer:
        if down:
            raise down[0]
        try:
            return run(text)
        except (Unreachable, RateLimited, Unauthorized) as fault:
            down.append(fault)
            raise

    return tried


def traffic(detections: Sequence[Detection], networks: Networks, siem: Siem) -> Traffic:
    """Everything that the SIEM knows of the detections; what it does not tell is null and said."""
    language, days = siem.language, (siem.window.end - siem.window.start) / _DAY
    run = _until_it_is_down(siem.run)

    def seconds(keys: Sequence[str], since: Mapping[str, int], step_s: int) -> Read[Start]:
        answer = run(language.traffic(keys, *siem.place, since, step_s))
        return connection_times.whole(siem.rows.starts(answer.rows), answer.truncated, answer.over, siem.name)

    def users(wanted: Sequence[str]) -> tuple[Read[Users], str]:
        answer = run(language.popularity(wanted, networks.home, *siem.place))
        return siem.rows.users(answer.rows), answer.truncated

    def quarters(keys: Sequence[str]) -> tuple[Read[Quarter], str]:
        answer = run(language.activity(keys, networks.lab, *siem.place))
        return siem.rows.quarters(answer.rows), answer.truncated

    got = connection_times.followed(detections, siem.budget, language.tuple_key, seconds)
    used = prevalence.prevalence(detections, networks.home, users)
    busy = host_activity.activity(detections, days, networks, language.tuple_key, quarters)
    tuples = host_activity.told(prevalence.told(got.tuples, detections, used), detections, busy)
    hours = tuple(siem.hours()) if tuples else ()
    return Traffic(
        tuples=tuples,
        hosts=busy.hosts,
        coverage=coverage.coverage(hours),
        active_hosts=used.active_hosts,
        history_days=coverage.span_days(hours),
        unknown=(*siem.never, *got.unknown, *used.unknown, *busy.unknown),
    )

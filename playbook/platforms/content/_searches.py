"""What is shipped as content: every committed query text with a title, what it says, and how urgent and how often."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal

from playbook.detections.hunts import HUNTS
from playbook.model import Value
from playbook.model.detection import TECHNIQUE

# 24 hours that end 15 minutes ago, as the text itself says; late events have arrived by then.
WINDOW_MIN, DELAY_MIN = 1440, 15
OBSERVED = ("T1071", "T1571")
TECHNIQUES = (*OBSERVED, TECHNIQUE)
TACTICS = ("CommandAndControl", "ResourceDevelopment")
BENIGN = (
    "Backups, load tests, peer-to-peer and update services call one destination at steady intervals too. Give the rows"
    " to the playbook (alerts), which measures them over the source and asks for evidence before anything is contained."
)
Severity = Literal["low", "medium", "high"]


class Search(Value):
    """One query text of one preset: ``what`` it looks for, and ``columns`` that name a host, an address or a port."""

    what: str
    preset: str
    title: str
    description: str
    severity: Severity
    hourly: bool
    query: str
    columns: tuple[str, ...]

    @property
    def host(self) -> str:
        """The column that names the machine."""
        return "src_ip" if "src_ip" in self.columns else "hostname"

    @property
    def ends(self) -> tuple[str, ...]:
        """The columns that name the machine, and its destination where a row has one."""
        return (self.host, *(name for name in self.columns if name == "dst_ip"))

    @property
    def name(self) -> str:
        """A name that is unique among the searches of a language."""
        return f"Botnet playbook - {self.title}" + (f" ({self.preset})" if self.preset else "")


_TITLES = {
    "beaconing": "Botnet beaconing",
    "hunt_ddos_burst": "Burst of connections",
    "hunt_dga_burst": "Burst of failed names",
    "hunt_irc": "Ports of IRC",
}
_BEACONING = (
    "Identifies hosts that call one external service again and again: 20 connections in 3 hours or more, scored by"
    " rate, size and port."
)
_NAMED = ("hostname", "process_name", "src_ip", "dst_ip", "dst_port")


def searches(texts: Mapping[str, str], language: str) -> tuple[Search, ...]:
    """The searches of a language among the query texts by path (``LANGUAGE/WHAT_PRESET.SUFFIX``), in their order."""
    return tuple(
        _search(PurePosixPath(path).stem, text) for path, text in texts.items() if path.startswith(f"{language}/")
    )


def _search(stem: str, text: str) -> Search:
    what = next((known for known in _TITLES if stem == known or stem.startswith(f"{known}_")), stem)
    hunt = HUNTS.get(what.removeprefix("hunt_").replace("_", "-"))
    title = _TITLES.get(what, what.replace("_", " ").capitalize())
    return Search(
        what=what,
        preset=stem.removeprefix(what).removeprefix("_"),
        title=title,
        description=_BEACONING
        if hunt is None
        else f"Identifies a sign of a bot: {hunt.title[0].lower()}{hunt.title[1:]}.",
        severity="high" if hunt is None else "medium",
        hourly=hunt is None,
        query=text.rstrip("\n"),
        columns=_columns(text),
    )


def _columns(text: str) -> tuple[str, ...]:
    """The host, addresses and port that the last stage with columns names: project, table, fields, or a group."""
    stages = [stage for stage in re.split(r"\n\| ", text) if not re.match(r"(order|sort)\b", stage)]
    named = (stage for stage in reversed(stages) if re.match(r"project|table|fields", stage) or _GROUP.search(stage))
    last = next(named)
    group = _GROUP.search(last)
    words = re.findall(r"\w+", last if group is None else group[1])
    return tuple(name for name in _NAMED if name in words)


_GROUP = re.compile(r"\s[bB][yY]\s+([\w\s,]+)$")

"""A destination that pretends to be popular: forged senders are no users, whoever answers them; real users are."""

from pathlib import Path

import pytest

from playbook.rules import all_rules
from playbook.triage.measure import measure
from tests.connectors.sources.logs.test_traffic import told
from tests.connectors.sources.logs.test_zeek_detection import beats
from tests.support.builders import an_enriched
from tests.support.zeek_reader import log_text

HONEST = {"conn_state": "SF", "orig_pkts": 6, "resp_pkts": 5}
FORGED = {
    "nobody answers": {"conn_state": "S0", "orig_pkts": 1, "resp_pkts": 0, "resp_ip_bytes": 0, "history": "S"},
    "the server answers": {"conn_state": "S1", "orig_pkts": 1, "resp_pkts": 1, "history": "Sh"},
    "the machine resets": {"conn_state": "RSTO", "orig_pkts": 2, "resp_pkts": 1, "history": "ShR"},
    "over UDP": {"conn_state": "SF", "orig_pkts": 1, "resp_pkts": 1, "proto": "udp", "history": "Dd"},
}


def said(tmp_path: Path, others: dict, talks: int = 3, step: float = 3700, alive: bool = True) -> object:
    """What the rule says of a beacon that 59 other addresses of ours seem to use as well, each so many times.

    ``alive``: they are answered elsewhere too, one by one, as machines are.
    """
    life = [
        line | HONEST | {"id.orig_h": f"10.0.1.{n}", "id.resp_h": "9.9.9.9" if alive else "8.8.4.4"}
        for n in range(1, 60)
        for line in beats(1, 1)
    ]
    crowd = [line | others | {"id.orig_h": f"10.0.1.{n}"} for n in range(1, 60) for line in beats(talks, step)]
    own = [line | HONEST for line in [*beats(120, 120), *beats(1, 1, **{"id.resp_h": "9.9.9.9"})]]
    answer = told(tmp_path, conn=log_text(own + life + crowd))
    detection = an_enriched().detection.model_copy(
        update={
            "detection_id": answer.tuples[0].detection_id,
            "src_ip": "10.0.0.1",
            "dst_ip": "8.8.4.4",
            "first_seen": answer.coverage[0].hours[0],
            "last_seen": answer.coverage[0].hours[-1],
        }
    )
    rule = all_rules()["prevalent_destination"]
    return rule.judge(an_enriched(measurements=measure(detection, answer)), rule.params())


@pytest.mark.parametrize("others", FORGED.values(), ids=FORGED)
def test_forged_senders_make_no_destination_popular(tmp_path: Path, others: dict) -> None:
    assert said(tmp_path, others) is None


def test_hosts_that_hold_conversations_do(tmp_path: Path) -> None:
    found = said(tmp_path, HONEST)
    assert found.strength == "strong" and "60 of our 60 active hosts" in found.reason


CLAIMED = {
    "a picture in a mail": {"talks": 1},
    "twice in two hours": {"talks": 2},
    "a page that loads three in a minute": {"talks": 3, "step": 9.0},
    "further addresses of the bot, that do nothing else": {"talks": 9, "alive": False},
}


@pytest.mark.parametrize("use", CLAIMED.values(), ids=CLAIMED)
def test_what_is_no_use_makes_no_destination_popular(tmp_path: Path, use: dict) -> None:
    assert said(tmp_path, HONEST, **use) is None

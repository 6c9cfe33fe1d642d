"""The words that are looked for before a format's expression: whatever the expression finds has one of them."""

import re
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.logs.formats import asa, panos, suricata, sysmon, vpcflow
from tests.support.examples import examples

EXPRESSIONS = [
    (asa, asa._SEEN),
    (panos, panos._SYSLOG_ROW),
    (suricata, suricata._EVENT),
    (sysmon, sysmon._EVENT),
    (vpcflow, vpcflow._DEFAULT_ROW),
]


@pytest.mark.parametrize(("module", "expression"), EXPRESSIONS, ids=lambda one: getattr(one, "__name__", ""))
@examples(50)
@given(data=st.data())
def test_whatever_the_expression_finds_is_recognised(
    module: ModuleType, expression: re.Pattern[str], data: st.DataObject
) -> None:
    text = data.draw(st.from_regex(expression))
    assert module.recognise(text, "x.log"), text

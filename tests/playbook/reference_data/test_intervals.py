"""Flattened ranges answer as a plain scan of the ranges would."""

from hypothesis import given
from hypothesis import strategies as st

from playbook.reference_data.intervals import Span, by_version, flatten

SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from("abcd")).map(
        lambda case: Span(4, min(case[:2]), max(case[:2]), case[2])
    ),
    max_size=12,
)


@given(SPANS)
def test_flattening_equals_a_scan(spans):
    order = list(dict.fromkeys(span.row for span in spans))
    coverage = flatten(spans)
    for number in range(-1, 63):
        expected = {span.row for span in spans if span.first <= number <= span.last}
        assert coverage.at(number) == tuple(row for row in order if row in expected)


def test_the_versions_stay_apart():
    coverage = by_version([Span(4, 1, 1, "four"), Span(6, 1, 1, "six")])
    assert (coverage[4].at(1), coverage[6].at(1)) == (("four",), ("six",))

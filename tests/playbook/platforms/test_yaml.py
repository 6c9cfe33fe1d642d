"""The YAML of packages reads back as what was written, whatever is in it."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from playbook.platforms._yaml import dump

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(max_size=20)
    | st.sampled_from(
        (
            "a\nb\n",
            " a\nb\n",
            "a\n\n",
            "\na\n",
            "a\tb\n",
            "# no\ncomment: x\n",
            "yes",
            "1.0",
            "é\nü\n",
            "a\n  b\n\nc\n",
            "- a\n",
        )
    )
)
KEYS = st.text(max_size=8) | st.sampled_from(("yes", "on", "a-b", "1", "#none#", "null", "~"))
VALUES = st.recursive(
    SCALARS, lambda some: st.lists(some, max_size=4) | st.dictionaries(KEYS, some, max_size=4), max_leaves=12
)


@given(VALUES)
def test_what_is_written_is_read_back(value):
    text = dump(value)
    assert text.isascii() and text.endswith("\n")
    assert yaml.safe_load(text) == value


def test_a_program_is_a_block_that_people_can_read():
    assert dump({"script": "a = 1\n\nb = 2\n", "more": 1}) == "script: |\n  a = 1\n\n  b = 2\nmore: 1\n"

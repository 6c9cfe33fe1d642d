"""Notices for the tests of notifiers."""

from typing import Any

from playbook.model.response import Notice

HOSTILE = (
    "pc-1\r\nBcc: everyone@example.test\r\n\r\n<!channel> <@U1> [click](http://evil.example) "
    "<https://evil.example|log in> "
    "<at>all</at> <script>alert(1)</script> & \u202ecod.exe \x1b[31m **x**"
)
LINK = "https://soar.example.test/cases/C-0123456789ab"


def notice(**change: Any) -> Notice:
    usual = {
        "key": "C-0123456789ab:waiting",
        "title": "Approval wanted: block one address for pc-1",
        "text": "Verdict: TRUE_POSITIVE\nWhy: 96 connections, one every 900 s",
        "link": LINK,
    }
    return Notice(**usual | change)

"""Text that an attacker may put into a host name, a process name or a list, for both renderers."""

HOSTILE = (
    '"><script>alert(1)</script>',
    "<img src=x onerror=alert(1)>",
    "web' OR '1'='1",
    "srv | delete",
    "a\nb\r\nc\td",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "\x9b2J\x1b[2J\x1b[H",
    "abc\u202egnp.exe\u2066x\u2069",
    "zero\u200bwidth\u00ad\ufeff",
    "[bold red]markup[/] [link=https://x.example]y[/link] [/]",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "../../etc/passwd",
    "nul\x00byte",
    "\ud800lone",
    "x" * 5000,
    "z" + "\u0301" * 200,
    "\U000e0041tag\u3164filler\u2800",
    "--option",
    "</style><svg onload=alert(1)>",
)

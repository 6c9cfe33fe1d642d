"""The owning process is unsigned, or lies where any user can write."""

from playbook.model.enrichment import ApprovedSoftware
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import a_beacon, a_record, a_socket, an_enriched, said

DEFENDER = r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18\MsMpEng.exe"


def owned(*owners, approved=(), record=True, **change):
    known = (said("host", a_record()),) if record else ()
    return an_enriched(
        *known, said("processes", *owners, about="ws-31"), said("software", *approved, about="ws-31"), **change
    )


def at_path(path, **change):
    return owned(a_socket(path=path, **change))


BY_HASH = ApprovedSoftware(name="tool", purpose="other", sha256="AA" * 32)

TABLE = [
    Row("speaks", "unsigned", at_path("/usr/bin/tool", signed=False), "strong"),
    Row("speaks", "from a temporary folder", at_path("/tmp/tool"), "strong"),
    Row("speaks", "from the user's profile", at_path(r"C:\Users\joe\AppData\Local\x.exe"), "strong"),
    Row("speaks", "signed or not unknown, but user-writable", at_path("/dev/shm/x", signed=None), "strong"),
    Row("speaks", "one of two owners", owned(a_socket(), a_socket(path="/tmp/x", sha256="ee" * 32)), "strong"),
    Row("near miss", "signed and protected", at_path("/usr/bin/tool"), "silent"),
    Row("near miss", "signed or not unknown, protected", at_path("/usr/bin/tool", signed=None), "silent"),
    Row("near miss", "the antivirus engine in its guarded folder", at_path(DEFENDER), "silent"),
    Row("near miss", "unsigned, but approved by hash", owned(a_socket(signed=False), approved=(BY_HASH,)), "silent"),
    Row("silent", "no inventory", an_enriched(), "silent"),
    Row("silent", "sockets to another place", at_path("/tmp/x", dst_ip="203.0.113.9"), "silent"),
    Row(
        "silent",
        "a record of a host that is only claimed",
        owned(a_socket(path="/tmp/x"), record=False, host="ws-31"),
        "silent",
    ),
    Row("hostile", "beside the guarded folder", at_path(r"C:\ProgramData\Microsoft\Windows Defender2\x.exe"), "strong"),
    Row("hostile", "climbing out of the guarded folder", at_path(DEFENDER + r"\..\..\..\..\x.exe"), "strong"),
    Row("hostile", "an unsigned thing in the guarded folder", at_path(DEFENDER, signed=False), "strong"),
    Row(
        "hostile",
        "approved by name only",
        owned(a_socket(signed=False, sha256=""), approved=(BY_HASH.model_copy(update={"sha256": ""}),)),
        "strong",
    ),
    Row(
        "hostile",
        "a trusted process name from a temporary folder",
        at_path("/tmp/MsMpEng.exe", process_name="MsMpEng.exe"),
        "strong",
    ),
]


@rows(TABLE)
def test_untrusted_process(row):
    assert outcome("untrusted_process", row.enriched) == row.said


def test_it_names_the_process_and_the_path():
    word = evidence("untrusted_process", owned(a_socket(path="/tmp/x"), detection=a_beacon()))
    assert "/tmp/x" in word.reason and word.group == "host"

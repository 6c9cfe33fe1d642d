"""The pages are self-contained, complete and safe whatever the logs say."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from playbook.errors import PlaybookError
from playbook.model.measurement import Measurement
from playbook.report.html import case_page, index_page, write
from playbook.report.view_models import measured, page_name
from tests.playbook.report.hostile import HOSTILE
from tests.playbook.report.showcase import backup, bot, cdn_beacon, renamed, said, silent, whole
from tests.playbook.report.test_terminal import hostile_run
from tests.support.builders import a_case, a_detection, a_judged, a_run, a_traffic

_VOID = {"meta", "br", "img", "input", "link", "hr"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; ``open`` is empty when every element was closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (self.open[-3:], tag)
        self.open.pop()
        self.text += " " if tag == "dt" else ""

    def handle_data(self, data):
        self.text += data

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", self.text)

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


def every_page(run) -> list[str]:
    return [index_page(run), *(case_page(run, case) for case in run.cases)]


def test_write_makes_one_page_a_case_and_an_index_that_links_them(tmp_path):
    run = whole()
    index = write(run, tmp_path / "deep" / "report")
    assert index == tmp_path / "deep" / "report" / "index.html"
    names = {path.name for path in index.parent.iterdir()}
    assert names == {"index.html", *(f"{case.case_id}.html" for case in run.cases)}
    linked = set(Page(index.read_text(encoding="utf-8")).values("href"))
    assert linked == names - {"index.html"}


def test_write_says_which_folder_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PlaybookError, match="file"):
        write(a_run(), tmp_path / "file" / "report")


@pytest.mark.parametrize("source", every_page(whole()) + every_page(silent()))
def test_pages_are_well_formed_and_load_nothing(source):
    page = Page(source)
    assert page.open == []
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in {"src", "style", "srcset"}]
    technique = r"https://attack\.mitre\.org/techniques/T\d{4}/(\d{3}/)?"
    assert all(
        re.fullmatch(rf"(index|C-[0-9a-f]{{12}})\.html|#[a-z]+|{technique}", href) for href in page.values("href")
    )
    assert "url(" not in source and "@import" not in source


@pytest.mark.parametrize("source", every_page(a_run()))
def test_the_policy_allows_this_style_sheet_and_nothing_else(source):
    policy = next(v for v in Page(source).values("content") if "default-src" in v)
    style = source.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "prefers-color-scheme:dark" in style and "@media print" in style and "max-width" in style


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_harmless(text, tmp_path):
    run = hostile_run(text)
    for source in every_page(run):
        page = Page(source)
        assert page.open == []
        assert set(page.tags).isdisjoint({"script", "img", "link", "object"})
        assert "svg" not in page.tags or page.tags.count("svg") == len(run.cases[0].detections)
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        assert not any(c in source for c in "\x1b\x9b\x00\u202e\u2066\u200b\x07")
    assert write(run, tmp_path).exists()


def test_a_script_in_a_host_name_is_text():
    page = case_page(hostile_run(HOSTILE[0]), hostile_run(HOSTILE[0]).cases[0])
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_template_in_a_host_name_is_text():
    page = case_page(hostile_run("{{ 7*7 }}{% raw %}"), hostile_run("{{ 7*7 }}{% raw %}").cases[0])
    assert "{{ 7*7 }}{% raw %}" in Page(page).words


def test_an_altered_host_name_is_said():
    assert "invisible characters" in case_page(a_run(a_case(host="a\u202eb")), a_case(host="a\u202eb"))
    assert "invisible characters" not in case_page(a_run(), a_case())


@pytest.mark.parametrize("case_id", ["../../etc/passwd", "C-1", "C-0123456789AB", "a/b", "", "C-0123456789ab\n"])
def test_a_case_id_of_another_form_never_becomes_a_path(case_id):
    assert re.fullmatch(r"C-[0-9a-f]{12}\.html", page_name(case_id))
    assert page_name("C-0123456789ab") == "C-0123456789ab.html"


def test_a_case_page_says_everything_of_a_bot():
    words = Page(case_page(whole(), bot())).words
    for needed in (
        "True positive",
        "high confidence",
        "decided by rung 1, conclusive indicator",
        "Our severity critical",
        "Rule's severity high",
        "Rule's confidence medium",
        "T1584.005",
        "inferred",
        "T1071",
        "observed",
        "T1571",
        "ssl on port 8081",
        "Facility services",
        "iot, camera",
        "dhcp.log",
        "block pair",
        "ab" * 32,
        "this host only; 3 hosts of ours used 203.0.113.66 in this window",
        "Corroborations from two groups hold",
        "beacon_score",
        "unknown (its log covers too little; read yes)",
        "55 %",
        "written by us",
        "Unknown, so counted for nothing: days_of_history (conn.log).",
        "unavailable: connection refused after 20 s",
        "network owner: asn 64500 · organisation Example Hosting",
        "Do not power-cycle it yet",
        "Factory reset".lower(),
        "2 more of our hosts",
        "avg_bytes_per_conn 412",
    ):
        assert needed in words or needed in words.lower(), needed


def test_raw_rows_and_other_hosts_are_one_step_away():
    run = whole()
    page = Page(case_page(run, run.cases[0]))
    assert "zgrep -hwF -e 10.20.0.31 {} + | grep -wF -e 203.0.113.66" in page.words
    assert "C-77aa0c1d2e3f.html" in page.values("href")
    assert "10.20.9.77" in page.words
    own = Page(case_page(run, run.cases[0], show_raw=lambda d: f"SELECT '{d.dst_ip}' -- <b>"))
    assert "SELECT '203.0.113.66' -- <b>" in own.words
    assert "Show the raw rows" not in case_page(run, run.cases[0], show_raw=lambda d: None)


def test_a_backup_is_explained_with_its_windows():
    words = Page(case_page(whole(), backup())).words
    assert "backup session nightly-db" in words and "test window load test" in words
    assert "vault.backup.example (dns)" in words
    assert "Nothing to contain" in words


def test_what_cannot_be_blocked_and_what_did_not_answer_is_said():
    assert "not blockable: 198.51.100.20: shared by a CDN" in Page(case_page(whole(), cdn_beacon())).words
    words = Page(case_page(whole(), renamed())).words
    assert "unavailable: timed out after 20 s" in words
    assert "Lacks: no backup session for this host" in words
    assert "written by host" in words


def test_the_index_lists_gates_tickets_dead_enrichers_and_exceptions():
    words = Page(index_page(whole())).words
    for needed in (
        "12 detections",
        "multicast (RFC 5771)",
        "veeam-01: backup sessions did not answer",
        "EX-4",
        "feeds: connection refused",
        "no inventory is configured",
        "184,233",
        "conn.log:77",
    ):
        assert needed in words, needed
    assert words.count("[192.0.2.53]:53") + words.count("192.0.2.53:53") == 12


def test_an_incomplete_run_is_never_called_free_of_beaconing():
    for run in (silent(), whole(complete=False)):
        words = Page(index_page(run)).words
        assert "no beaconing" not in words.lower()
        assert "The input is incomplete" in words
    assert "Silent for 2 hours" in Page(index_page(silent())).words


def test_unknown_is_never_shown_as_zero():
    found = a_detection(total_bytes_sent=None, total_bytes_rcvd=None, avg_bytes_per_conn=None, bytes_known=False)
    case = a_case(a_judged(found, traffic=a_traffic(found, hourly=(), hosts_using=None)))
    words = Page(case_page(a_run(case), case)).words
    assert "avg_bytes_per_conn unknown" in words and "total_bytes_sent unknown" in words
    assert "No hourly counts" in words and "Unknown: the source did not say." in words
    assert "how many of our hosts use 203.0.113.66 is unknown" in words


def test_every_case_has_a_link_that_can_be_seen():
    cases = tuple(a_case(host=text, case_id=f"C-{n:012x}") for n, text in enumerate(HOSTILE))
    page = index_page(a_run(*cases))
    links = re.findall(r'<a class="host" href="(C-[0-9a-f]{12}\.html)">([^<]+)</a>', page)
    assert len({href for href, _ in links}) == len(HOSTILE)
    assert all(text.strip() for _, text in links)


def test_warnings_stand_above_the_cases():
    run = whole().model_copy(update={"warnings": ("enrichers.own: hosts.csv: cannot be read",)})
    page = Page(index_page(run)).words
    assert page.count("hosts.csv: cannot be read") == 1
    assert page.index("1 warning") < page.index("hosts.csv: cannot be read") < page.index("Cases, worst first")


def test_a_number_stays_with_its_unit_also_in_hostile_company():
    page = index_page(a_run(a_case()))
    assert "for\u00a04\u00a0h" in page and "for 4 h" not in page
    hostile = a_case(by_hand=("<script>for 4 h</script>",))
    assert "&lt;script&gt;for\u00a04\u00a0h&lt;/script&gt;" in index_page(a_run(hostile))


def test_who_knows_nothing_is_one_line_and_who_answered_or_failed_is_in_the_table():
    silent_ones = (
        said("asn", "asn", "203.0.113.66"),
        said("asn", "operator", "203.0.113.66"),
        said("lists", "lists", "203.0.113.66"),
        said("feeds", "feed", "203.0.113.66", unavailable="refused"),
        said("own", "lists", "203.0.113.66").model_copy(update={"warning": "1 row left out"}),
    )
    case = a_case(a_judged(enrichments=silent_ones))
    page = Page(case_page(a_run(case), case)).words
    assert "Asked about address 203.0.113.66, and know nothing of it: asn (asn, operator), lists (lists)." in page
    assert "unavailable: refused" in page and "1 row left out" in page


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1, "hosts", "1 host"),
        (2, "hosts", "2 hosts"),
        (0.9959, "of pairs", "99.6 % of pairs"),
        (0.954, "of 1", "0.954 of 1"),
        (1, "h", "1 h"),
        (True, "", "yes"),
        (0.0, "of attempts", "0 % of attempts"),
    ],
)
def test_a_measured_value_reads_like_a_sentence(value, unit, shown):
    assert measured(Measurement(name="x", value=value, unit=unit, coverage=1.0, source="conn.log")) == shown

"""What every ticket desk does when the product misbehaves: one ticket a key, one comment a key, nothing lost."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.tickets import _idempotency
from playbook.errors import BadAnswer, ConfigError, ConnectorError, RateLimited, Unauthorized, Unreachable
from tests.emulators.desk import HTML_502, Fault, serving
from tests.support.ticket_fixtures import HOSTILE, PRODUCTS, Product, ticket

pytestmark = pytest.mark.loopback


@pytest.fixture(params=sorted(PRODUCTS))
def product(request) -> Product:
    return PRODUCTS[request.param]()


@pytest.fixture
def url(product) -> Iterator[str]:
    with serving(product.site) as found:
        yield found


def test_one_ticket_a_key(product, url):
    desk = product.connect(url)
    first = desk.open(ticket())
    assert desk.open(ticket(title="told anew")) == product.connect(url).open(ticket()) == first
    assert desk.open(ticket("case:C-ffffffffffff")) != first
    assert len(product.tickets()) == 2


@pytest.mark.parametrize(
    "answer",
    [
        None,
        HTML_502,
        (504, {}, b""),
        (500, {}, b"{}"),
        (200, {}, b'{"error": {"message": "x"}, "errorMessages": ["x"]}'),
        (201, {"Content-Type": "text/html"}, b"<html>Your instance is hibernating</html>"),
        (201, {}, b"[]"),
        (408, {}, b""),
    ],
    ids=["hang-up", "html-502", "504", "500", "200-with-an-error", "201-html", "201-list", "408"],
)
def test_an_unclear_answer_after_the_effect(product, url, answer):
    product.site.faults.append(Fault(product.create, answer))
    reference = product.connect(url).open(ticket())
    assert len(product.tickets()) == 1 and product.site.count(product.create) == 1
    assert product.connect(url).open(ticket()) == reference


@pytest.mark.parametrize("answer", [None, HTML_502], ids=["hang-up", "html-502"])
def test_an_unclear_answer_without_effect_is_never_followed_by_a_second_create(product, url, answer):
    product.site.faults.append(Fault(product.create, answer, effect=False))
    with pytest.raises(Unreachable):
        product.connect(url).open(ticket())
    assert product.site.count(product.create) == 1 and not product.tickets()
    product.connect(url).open(ticket())
    assert len(product.tickets()) == 1


def test_the_search_fails_so_nothing_is_created(product, url):
    for answer, expected in [
        (HTML_502, Unreachable),
        ((200, {}, b"{}"), BadAnswer),
        ((200, {}, b"<html>"), BadAnswer),
        ((429, {"Retry-After": "3600"}, b""), RateLimited),
    ]:
        product.site.faults[:] = [Fault(product.search, answer, times=99)]
        with pytest.raises(expected):
            product.connect(url).open(ticket())
    assert product.site.count(product.create) == 0


def test_a_search_that_is_told_to_wait_waits(product, url):
    product.site.faults.append(Fault(product.search, (429, {"Retry-After": "2"}, b"")))
    slept: list[float] = []
    product.connect(url, slept).open(ticket())
    assert len(product.tickets()) == 1 and max(slept) >= 1.5


def test_a_refusal_is_told_at_once(product, url):
    product.site.faults.append(Fault(product.create, (400, {}, b'{"errors": {"summary": "too long"}}'), effect=False))
    slept: list[float] = []
    with pytest.raises(BadAnswer, match="too long"):
        product.connect(url, slept).open(ticket())
    assert slept == []


def test_wrong_credentials(product, url):
    desk = product.connect(url, token="another-token")
    with pytest.raises(Unauthorized) as told:
        desk.open(ticket())
    assert "another-token" not in str(told.value)
    assert not any(result.ok for result in desk.check())


def test_it_is_down(product):
    desk = product.connect("http://127.0.0.1:1")
    with pytest.raises(Unreachable):
        desk.open(ticket())
    assert not desk.check()[0].ok


def test_check_changes_nothing(product, url):
    assert all(result.ok for result in product.connect(url).check())
    assert product.site.count("(POST|PUT|PATCH|DELETE) .*") == 0


def test_two_workers_create_at_the_same_moment(product, url):
    product.site.meet, product.site.meet_on = threading.Barrier(2), product.create
    with ThreadPoolExecutor(2) as pool:
        given_out = list(pool.map(lambda _: product.connect(url).open(ticket()), range(2)))
    assert product.site.count(product.create) == 2, "both had to create for this test to mean anything"
    assert len(product.tickets()) == 1
    assert product.connect(url).open(ticket()) in given_out


@pytest.mark.parametrize("answer", [None, HTML_502, (200, {}, b"<html>")], ids=["hang-up", "html-502", "200-html"])
def test_a_comment_and_a_file_once(product, url, answer):
    desk = product.connect(url)
    reference = desk.open(ticket())
    product.site.faults += [Fault(product.comment, answer)]
    desk.comment(reference, "contained", "C-1:contained")
    product.site.faults += [Fault(product.upload, answer)]
    desk.attach(reference, "case.html", b"<h1>report</h1>")
    for _ in range(2):
        desk.comment(reference, "contained", "C-1:contained")
        desk.attach(reference, "case.html", b"<h1>report</h1>")
    assert "".join(product.comments()).count("C-1:contained") == 1
    assert len(product.files()) == 1
    desk.comment(reference, "released", "C-1:released")
    desk.attach(reference, "case.html", b"<h1>later</h1>")
    assert len(product.files()) == 2 and "C-1:released" in "".join(product.comments())


def test_a_comment_that_was_not_taken_is_an_error(product, url):
    desk = product.connect(url)
    reference = desk.open(ticket())
    product.site.faults += [Fault(product.comment, None, effect=False)]
    with pytest.raises(ConnectorError):
        desk.comment(reference, "contained", "C-1:contained")
    assert not product.comments()


def test_hostile_text_is_text(product, url):
    desk = product.connect(url)
    ordinary = desk.open(ticket())
    reference = desk.open(ticket(HOSTILE, HOSTILE, HOSTILE))
    assert reference != ordinary and desk.open(ticket(HOSTILE)) == reference
    desk.comment(reference, HOSTILE, HOSTILE)
    desk.comment(reference, HOSTILE, HOSTILE)
    desk.attach(reference, f'../../{HOSTILE}.html"', b"x")
    held = repr((product.tickets(), product.comments(), product.files()))
    for bad in ("\\x1b", "\\u202e", "../", "\\r"):
        assert bad not in held
    assert len(product.tickets()) == 2 and len(product.files()) == 1


@pytest.mark.parametrize("reference", ["", "../1", "1/../2", "SEC-1?x=1", "INC1^ORnumber=2", "x" * 200])
def test_a_reference_is_only_a_reference(product, url, reference):
    desk = product.connect(url)
    with pytest.raises(ConfigError):
        desk.comment(reference, "x", "k")
    with pytest.raises(ConfigError):
        desk.attach(reference, "x", b"x")
    assert not product.site.seen


@given(st.text(max_size=300))
def test_a_remote_key_is_plain_whatever_the_key(key):
    stored = _idempotency.remote_key(key)
    assert (
        stored.isascii()
        and len(stored) <= 180
        and not set(stored) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._-")
    )


@given(st.text(max_size=60), st.text(max_size=60))
def test_different_keys_stay_different(one, other):
    assert (_idempotency.remote_key(one) == _idempotency.remote_key(other)) == (one == other)


@given(st.text(max_size=400), st.binary(max_size=20))
def test_texts_and_file_names(text, content):
    line, name = _idempotency.one_line(text, 50), _idempotency.stamped(text, content)
    assert len(line) <= 50 and line.isprintable()
    assert all(part.isprintable() for part in _idempotency.plain(text).split("\n"))
    assert name.isascii() and 0 < len(name) <= 100 and not set(name) & set('/\\"\r\n ;') and not name.startswith(".")
    assert name == _idempotency.stamped(text, content) != _idempotency.stamped(text, content + b".")


def test_keys_differ_from_their_own_digests():
    assert _idempotency.remote_key("a b") != _idempotency.remote_key(
        _idempotency.remote_key("a b").removeprefix("botnet-playbook:")
    )

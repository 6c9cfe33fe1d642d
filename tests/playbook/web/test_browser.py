"""The pages in a real Chromium: read and decide by keyboard without JavaScript; nothing for axe or the console."""

import shutil
import threading
import time

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from playbook.cases import approval_requests
from tests.playbook.cases.runs import file, judged
from tests.playbook.web.web import PASSWORD, Clock, over

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.loopback,
    pytest.mark.heavy,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def served(prepared_record, tmp_path_factory):
    """The application behind a real server on loopback, with a hostile host name among its cases."""
    path = shutil.copy(prepared_record, tmp_path_factory.mktemp("browser") / "state.db")
    with over(path, Clock(), hosts=("127.0.0.1",)) as web:
        file(web.store, judged(4, host="<img src=x onerror=alert(1)>", dst_ip="203.0.113.70", number=7))
        file(web.store, judged(4, host="ws-protected", dst_ip="203.0.113.71", number=8, protected=("10.20.0.0/16",)))
        server = uvicorn.Server(uvicorn.Config(web.app, host="127.0.0.1", port=0, log_config=None))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        web.base = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield web
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, served, request):
    """A page whose console is listened to; parametrized with (size, colours, JavaScript)."""
    size, colours, script = getattr(request, "param", ("desktop", "light", False))
    width, height = SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme=colours,
        java_script_enabled=script,
        base_url=served.base,
    )
    one = context.new_page()
    one.set_default_timeout(10_000)
    said = []
    one.on("console", lambda message: said.append(message.text))
    one.on("pageerror", lambda fault: said.append(str(fault)))
    one.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    yield one
    context.close()
    assert said == []


def log_in(page, name="anna"):
    page.goto("/login")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")


def places(page):
    page.goto("/cases")
    found = ["/", "/blocked", "/audit", "/account", "/hosts/ws-31", "/destinations/203.0.113.66"]
    return [
        *found,
        "/cases?state=attention&sort=severity",
        *{a.get_attribute("href") for a in page.locator("a.host").all()},
        "/cases",
    ]


@pytest.mark.parametrize("page", [("desktop", "light", True), ("phone", "dark", True)], indirect=True)
def test_nothing_overflows_and_the_console_stays_silent(page):
    log_in(page)
    for place in places(page):
        page.goto(place)
        wide, there = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= there, (place, wide, there)
        assert page.locator("h1").count() == 1 and page.title()


@pytest.mark.parametrize(
    "page",
    [
        ("desktop", "light", True),
        ("desktop", "dark", True),
        ("phone", "light", True),
        ("phone", "dark", True),
    ],
    indirect=True,
)
def test_axe_finds_nothing_serious(page):
    found = {}
    page.goto("/login")
    todo = ["/login"]
    while todo:
        place = todo.pop()
        page.goto(place)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        faults = Axe().run(page).response["violations"]
        worst = [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in faults if v["impact"] in ("serious", "critical")]
        found |= {place: worst} if worst else {}
        if place == "/login":
            log_in(page)
            todo = places(page)
    assert found == {}


def test_a_plan_is_read_and_approved_by_keyboard_alone_without_scripts(page, served):
    log_in(page)
    path = f"/cases/{_waiting(served, 'ws-31').case_id}"
    page.goto(path)
    focused = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused.append(_focused(page))
        if focused[-1] == "digest":
            break
    assert focused[0] == "skip" and "digest" in focused, focused
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("seen, by keyboard")
    page.keyboard.press("Tab")
    assert _focused(page) == "answer"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}?told=approved")
    assert page.get_by_role("status").is_visible()
    (one,) = served.contained()
    offers = _waiting(served, "ws-31", None).offers
    assert one.digest == offers[1].digest != offers[0].digest
    assert page.get_by_text("seen, by keyboard").count() == 2, "beside the answer, and in the timeline"


def _focused(page):
    element = page.locator(":focus")
    return element.get_attribute("name") or element.get_attribute("class") or "" if element.count() else ""


def _waiting(served, host, state="waiting"):
    with served.store.reading() as conn:
        return next(one for one in approval_requests.list_requests(conn, state) if one.host == host)


def test_two_people_decide_on_a_protected_host(chromium, served):
    path = f"/cases/{_waiting(served, 'ws-protected').case_id}"
    for name, told in (("anna", "counted"), ("bert", "approved")):
        context = chromium.new_context(java_script_enabled=False, base_url=served.base)
        page = context.new_page()
        log_in(page, name)
        page.goto(path)
        page.get_by_role("button", name="Approve this plan").click()
        page.wait_for_url(f"**{path}?told={told}")
        context.close()


def test_a_link_from_another_site_arrives_logged_in(page, served):
    log_in(page)
    page.goto("about:blank")
    page.goto(f"{served.base}/blocked", referer="https://mail.example/")
    assert page.get_by_role("heading", level=1).inner_text() != "Log in"

"""The page in a real Chromium: decided with and without scripts, kept true while it is open, as wide as a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.web.page.conftest import Door

pytestmark = pytest.mark.real
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
WITHIN_MS = 90_000


def asks(stage: str) -> Any:
    return lambda run: run.ticket is not None and run.ticket.id.startswith(f"{stage}/")


@pytest.fixture(scope="module")
def chromium(binary: Callable[[str], str]) -> Iterator[Any]:
    """A browser; each test opens windows of its own."""
    from playwright.sync_api import sync_playwright

    path = binary("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Any, door: Door, secrets: dict[str, str]) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a window, signed in as somebody; what the browser complains of fails the test."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def opened(name: str, *, width: int = 1280, **how: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 800}, base_url=door.web.url, **how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WITHIN_MS)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/sign-in")
        page.fill("input[name=secret]", secrets[name])
        page.click("main button")
        page.wait_for_url("**/")
        return page

    yield opened
    for context in contexts:
        context.close()
    # That an answer was a refusal is no complaint about the page.
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


def test_a_gate_is_opened_without_scripts(window: Any, door: Door, nights: Any) -> None:
    """A button is a form, and the page that follows says what was done."""
    run = door.put(nights[""], asks("roll-back"))
    page = window("bo", java_script_enabled=False)
    page.goto(f"/runs/{run}")
    page.fill("#why-approve", "the release is at fault")
    page.get_by_role("button", name="Approve", exact=True).click()
    page.wait_for_url(f"**/runs/{run}?said=*")
    assert "Approve:" in page.locator("#said").inner_text()
    assert [vote.person for vote in door.run(run).ticket.votes] == ["bo"]  # type: ignore[union-attr]


def test_what_one_decides_the_other_sees_at_once(window: Any, door: Door, nights: Any) -> None:
    """Nobody loads a page again, and what somebody has typed into it stays."""
    from playwright.sync_api import expect

    run = door.put(nights[""], asks("flush"))
    ana, bo = window("ana"), window("bo")
    for page in (ana, bo):
        page.goto(f"/runs/{run}")
        page.get_by_text("Live", exact=True).wait_for()
    ana.fill("#note-words", "half a sentence")
    bo.fill("#why-approve", "the reads are corrupt")
    bo.get_by_role("button", name="Approve", exact=True).click()
    bo.locator("#said .flash.good").wait_for()
    assert bo.url.endswith(f"/runs/{run}")
    ana.locator("#story").get_by_text("bo approved").first.wait_for()
    assert ana.input_value("#note-words") == "half a sentence"
    ana.get_by_role("button", name="Deny", exact=True).click()
    ana.locator("#said .flash").first.wait_for()
    bo.locator("#story").get_by_text("ana denied").first.wait_for()
    # Not wait_for_function: where it does not hold at once, it evaluates a text, which the page's policy forbids.
    expect(bo).to_have_title(re.compile("^HELD"), timeout=WITHIN_MS)


def test_late_is_said_in_place(window: Any, door: Door, nights: Any) -> None:
    """On a page that is no longer told anything: the click changes nothing, and the page says what has happened."""
    run = door.put(nights[""], asks("roll-back"))
    ana, bo = window("ana"), window("bo")
    bo.route("**/live", lambda route: route.abort())
    bo.goto(f"/runs/{run}")
    ana.goto(f"/runs/{run}")
    ana.get_by_role("button", name="Deny", exact=True).click()
    ana.locator("#said .flash.good").wait_for()
    bo.fill("#why-approve", "the release is at fault")
    with bo.expect_response(lambda answer: answer.url.endswith("/ask/approve")) as answered:
        bo.get_by_role("button", name="Approve", exact=True).click()
    assert answered.value.status == 409
    assert "Approve changed nothing" in bo.locator("#said .flash.warn").inner_text()


@pytest.mark.parametrize("scripts", [True, False])
def test_moments_are_told_by_the_readers_own_clock(window: Any, door: Door, nights: Any, scripts: bool) -> None:
    """With scripts in the reader's zone, and so what comes later, UTC one hover away; without, UTC."""
    run = door.put(nights[""], asks("roll-back"))
    page = window("ana", timezone_id="Asia/Kolkata", java_script_enabled=scripts)
    page.goto(f"/runs/{run}")
    if scripts:
        page.get_by_text("Live", exact=True).wait_for()
        page.get_by_role("button", name="Deny", exact=True).click()
        page.locator("#story").get_by_text("ana denied").first.wait_for()
    first = page.locator("#story time").first
    utc = first.get_attribute("datetime")[11:19]
    hours, minutes = divmod((int(utc[:2]) * 60 + int(utc[3:5]) + 330) % 1_440, 60)
    assert first.inner_text() == (f"{hours:02}:{minutes:02}:{utc[6:]}" if scripts else utc)
    assert f"times in {'UTC+05:30' if scripts else 'UTC'}" in page.locator("#story").inner_text()
    if scripts:
        assert f"{utc} UTC" in first.get_attribute("title")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_moment_fits_and_can_be_read(window: Any, door: Door, nights: Any, width: int, scheme: str) -> None:
    """Nothing is wider than the screen, buttons can be hit with a thumb, and words stand out from their ground."""
    runs = [
        door.put(nights[""], asks("roll-back"), driven=True),
        door.put(nights["capacity-warm-fails"], lambda run: bool(run.holds), driven=True),
    ]
    page = window("ana", width=width, color_scheme=scheme)
    for path in ("/", "/runbooks", "/effects", *(f"/runs/{run}" for run in runs)):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
        small = page.evaluate(
            "[...document.querySelectorAll('main .button')].filter(e => e.getClientRects().length"
            " && e.getBoundingClientRect().height < 40).length"
        )
        assert small == 0, path
        assert page.evaluate(CONTRAST) == [], path


def test_everything_can_be_reached_with_keys(window: Any, door: Door, nights: Any) -> None:
    """The first stop leads past the bar; every stop is seen; Enter on a button decides."""
    run = door.put(nights[""], asks("roll-back"))
    page = window("bo")
    page.goto(f"/runs/{run}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(40):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
        if page.evaluate("document.activeElement.id") == "why-approve":
            page.keyboard.type("the release is at fault")
        if page.evaluate("document.activeElement.textContent.trim()") == "Approve":
            page.keyboard.press("Enter")
            page.locator("#said .flash.good").wait_for()
            return
    raise AssertionError("the button cannot be reached")


CONTRAST = """() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const c = rgb(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] > 0.99) return c;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const e of document.querySelectorAll("main *, .bar *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || e.closest("svg, .unseen")) continue;
    const style = getComputedStyle(e), a = light(rgb(style.color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5))
      bad.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 30)}`);
  }
  return bad;
}"""
"""Every text of the page whose contrast with its ground is below AA."""

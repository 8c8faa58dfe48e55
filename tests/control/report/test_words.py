"""The report in words: one golden run, and what comes from outside never becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from types import ModuleType
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from relight.control.report import report_body, report_document, report_html, report_markdown
from relight.control.report.words import is_key

NASTY = "</td><script>alert(1)</script> | `x` [a](javascript:b) *c* \u202e\x1b[2J\n# no heading"


def night(tales: ModuleType, note: str = "the bank is told") -> Any:
    """A night with everything in it: a failure, a hold, a gate, a lost step, a breach, a step-back, an abort."""
    surfaces = {"consumer": {"objective": 99.9, "window_ms": 2_592_000_000, "error_ratio": {}}}
    tale = tales.Tale(tales.plan(surfaces=surfaces, scope={"inputs": {"admit": 10}}, owner="sre-identity"))
    tale.board = {"budgets": {"consumer": {"spent_ms": 41_000, "budget_ms": 2_592_000, "at": tale.at}}}
    tale.later(1).fails("edge-6 refused connections").later(30).asks("bo", "note", value=note)
    tale.asks("ana", "retry", subject="throttle").later(1).done().later(1).done().later(20).all_pass()
    tale.turns("edge_errors", "pass", 0.008).turns("login_errors", "fail", 0.35).later(45)
    tale.asks("ana", "approve", ticket=tale.run.ticket.id, reason="it is the deploy").later(20).lost()
    tale.later(60).asks("bo", "mark", subject="undeploy", value="done", reason="looked at the pods")
    tale.later(61).all_pass().later(61).done().later(61).all_pass()
    tale.turns("api_errors", "fail", 0.05).later(20).done().turns("api_errors", "pass", 0.001).later(5)
    return tale.asks("bo", "abort", reason="wrong region").later(1)


def document(tale: Any) -> dict[str, Any]:
    """Return its report, made at its own last moment."""
    found = report_document(tale.journal, tale.id, at=tale.at)
    return found | {"journal": found["journal"] | {"location": "sqlite:///journal.db", "head": "cd" * 32}}


def test_the_golden_report(tales: ModuleType, snapshot: SnapshotAssertion) -> None:
    """Word for word; a change of it is looked at before it is taken (``--snapshot-update``)."""
    assert snapshot == report_markdown(document(night(tales)))


def test_nothing_that_came_from_outside_is_markup_in_the_page(tales: ModuleType) -> None:
    """Tags, quotes and what turns the reading direction arrive as text, in a page without script and inline style."""
    page = report_html(document(night(tales, NASTY)))

    class Reader(HTMLParser):
        tags: set[str] = set()
        attributes: set[str] = set()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.add(tag)
            self.attributes |= {name for name, _ in attrs}

    reader = Reader()
    reader.feed(page)
    assert not {"script", "img", "iframe", "link", "a"} & reader.tags
    assert not {name for name in reader.attributes if name == "style" or name.startswith("on")}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not {"\u202e", "\x1b"} & set(page)
    assert "http" not in page.replace("http-equiv", "")


def test_nothing_that_came_from_outside_is_markup_in_markdown(tales: ModuleType) -> None:
    """A cell stays a cell, a line a line; links, code and emphasis are shown and not made."""
    text = report_markdown(document(night(tales, NASTY)))
    told = [line for line in text.splitlines() if "alert(1)" in line]
    assert told
    for line in told:
        assert "\\<script>" in line
        assert "\\[a](javascript" in line
        assert "\\`x\\`" in line
    assert "\n# no heading" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "alert(1)" in line]
    assert {4} == {len(re.findall(r"(?<!\\)\|", line)) for line in rows}


def test_the_body_goes_into_another_page(tales: ModuleType) -> None:
    """It is all of the page but its head, so that a page of another manner shows the same."""
    found = document(night(tales))
    assert report_body(found) in report_html(found)


def test_a_run_that_goes_on_says_so(tales: ModuleType) -> None:
    """In its first lines; it stands somewhere, and no end is made up for it."""
    tale = tales.Tale().at_gate()
    text = report_markdown(document(tale))
    assert "waiting, not over after 0:22" in text
    assert "This run is not over." in text
    assert "it stands at roll-back" in text
    assert "| Ended | not yet |" in text


@pytest.mark.parametrize(
    ("says", "key"),
    [
        ("HELD (step-failed) at warm: refused", True),
        ("stage contain entered", True),
        ("ramp admit STEPS BACK to 50", True),
        ("ana paused the run", True),
        ("freeze succeeded", False),
        ("probe auth answered", False),
    ],
)
def test_the_short_timeline_tells_the_course(says: str, key: bool) -> None:
    """What starts and ends by itself is only in the full one."""
    assert key == is_key(says)

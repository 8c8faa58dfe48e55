"""The live view, by what it draws: readable at 80 columns and at 160."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from relight.cli.live import render
from relight.cli.terminal import columns, plain
from relight.control.status import status_document

Story = Callable[[ModuleType], Any]


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def gate(tales: ModuleType) -> Any:
    tale = tales.Tale().at_gate()
    tale.turns("login_errors", "fail", 0.35).turns("api_errors", "pass", 0.002)
    key = next(iter(tale.run.ledger))
    tale.board["observed"] = {key: {"value": {"percent": 10, "max_rate": 20}, "at": tale.at + 38_000, "error": ""}}
    return tale.later(40)


def half_approved(tales: ModuleType) -> Any:
    tale = tales.Tale().at_gate().turns("edge_errors", "fail", 0.06)
    return tale.asks("bo", "approve", ticket=tale.run.ticket.id).later(5)


def drifted(tales: ModuleType) -> Any:
    tale = tales.Tale().at_gate()
    key = next(iter(tale.run.ledger))
    tale.board["observed"] = {key: {"value": {"percent": 100}, "at": tale.at, "error": ""}}
    tale.board["trouble"] = ["the lease cannot be renewed: disk full"]
    return tale.later(2)


def unknown(tales: ModuleType) -> Any:
    tale = tales.Tale().at_gate()
    return tale.asks("ana", "approve", ticket=tale.run.ticket.id).lost().later(3)


def progressing(tales: ModuleType) -> Any:
    tale = tales.Tale().later(1).done()
    tale.board["progress"] = {"freeze": {"text": "12 of 24 pods", "at": tale.at}}
    return tale.later(12)


def at_seventy_five(tales: ModuleType) -> Any:
    tale = tales.Tale().at_ramp()
    for _ in range(3):
        tale.later(61).all_pass().done()
    return tale


def stepped_back(tales: ModuleType) -> Any:
    return at_seventy_five(tales).turns("login_errors", "fail", 0.3).done().later(8)


def breached(tales: ModuleType) -> Any:
    return at_seventy_five(tales).turns("api_errors", "fail", 0.034).done().later(2)


def staying(tales: ModuleType) -> Any:
    return at_seventy_five(tales).asks("bo", "ramp", value="stay").later(30)


def no_driver(tales: ModuleType) -> Any:
    tale = tales.Tale().at_gate()
    tale.hold.release()
    return tale


def aborted(tales: ModuleType) -> Any:
    return tales.Tale().at_gate().asks("bo", "abort", reason="wrong site").later(1)


def denied(tales: ModuleType) -> Any:
    tale = tales.Tale().at_gate()
    return tale.asks("bo", "deny", ticket=tale.run.ticket.id, reason="the graph says no").later(4)


STORIES: dict[str, Story] = {
    "running": progressing,
    "verifying": lambda tales: tales.Tale().later(1).done().done().later(3),
    "gate": gate,
    "gate half approved": half_approved,
    "gate drifted": drifted,
    "held by a failed step": lambda tales: tales.Tale().later(1).done().fails("edge-6 refused connections").later(21),
    "held by an unknown outcome": unknown,
    "denied": denied,
    "paused": lambda tales: tales.Tale().at_gate().asks("bo", "pause").later(2),
    "ramp": at_seventy_five,
    "ramp stepped back": stepped_back,
    "ramp after a guard": breached,
    "ramp staying": staying,
    "by hand": lambda tales: tales.Tale(tales.plan(tales.BY_HAND)).later(9),
    "undoing": lambda tales: tales.Tale().at_ramp().asks("bo", "undo", value="contain"),
    "driver gone": no_driver,
    "succeeded": lambda tales: tales.Tale().ended(),
    "aborted": aborted,
    "failed": lambda tales: tales.Tale(tales.plan(on_abort="undo")).failed(),
}


def frame(tale: Any, width: int, viewer: str = "ana") -> list[str]:
    now = tale.at + 1_000
    document = status_document(
        tale.run,
        lease=tale.journal.lease(tale.id),
        live=tale.journal.live(tale.id),
        samples=tale.journal.samples(tale.id, last=200),
        name="7f3",
        at=now,
    )
    return [plain(spans) for spans in render(document, width, now, name="7f3", viewer=viewer)]


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("width", [80, 160])
def test_a_moment_is_drawn(tales: ModuleType, snapshot: SnapshotAssertion, name: str, width: int) -> None:
    """Each kind of moment looks like this; a change is committed only if it is meant."""
    lines = frame(STORIES[name](tales), width)
    assert "\n".join(lines) == snapshot
    assert all(columns(line) <= width for line in lines)


@pytest.mark.parametrize("name", STORIES)
def test_the_next_command_is_always_there(tales: ModuleType, name: str) -> None:
    """Whatever happens, the view ends with what can be typed next, or names who may decide beside the commands."""
    lines = frame(STORIES[name](tales), 80)
    assert any("relight " in line or "NEXT        nothing" in line for line in lines)
    assert any(line.startswith(("NEXT", "MAY DECIDE")) for line in lines[-2:])


@pytest.mark.parametrize("width", [40, 60, 79, 100, 300])
@pytest.mark.parametrize("name", STORIES)
def test_any_width_is_drawn(tales: ModuleType, name: str, width: int) -> None:
    """No width breaks the view, and no line is wider than the terminal."""
    assert all(columns(line) <= width for line in frame(STORIES[name](tales), width))


def test_who_may_depends_on_who_looks(tales: ModuleType) -> None:
    """Whoever looks is told whether they may; an outsider is told whom to ask."""
    assert any("you may, or bo" in line for line in frame(gate(tales), 80, "ana"))
    assert any("ask ana or bo" in line for line in frame(gate(tales), 80, "os:mallory"))


def test_a_hostile_title_stays_on_its_line(tales: ModuleType) -> None:
    """A title with escapes and line breaks shows its words and nothing else."""
    from dataclasses import replace

    stage = replace(tales.ROLL_BACK, gate=replace(tales.ROLL_BACK.gate, title="Open\x1b[2J\n\u202eNEXT  rm -rf"))
    tale = tales.Tale(tales.plan(tales.CONTAIN, stage)).at_gate()
    lines = frame(tale, 80)
    assert all(line.isprintable() or not line for line in lines)
    assert sum(line.startswith("NEXT") for line in lines) == 1


def test_many_effects_are_few_rows(tales: ModuleType) -> None:
    """What protects the service keeps its row however much was changed; the rest is named on one."""
    tale = tales.Tale().at_gate()
    document = status_document(tale.run, name="7f3")
    shield, other = document["effects_in_force"]
    document["effects_in_force"] = [shield, *({**other, "step": f"change_{number}"} for number in range(6))]
    lines = [plain(spans) for spans in render(document, 80, tale.at, name="7f3")]
    at = next(number for number, text in enumerate(lines) if text.startswith("IN FORCE"))
    assert "throttle  10%, 20/s" in lines[at]
    assert lines[at + 1].strip().startswith("change_0; change_1; change_2;")


def test_the_worst_is_never_better_than_now(tales: ModuleType) -> None:
    """A gate shows the newest value of a check, and so its worst is at least that, whatever was stored so far."""
    tale = tales.Tale().at_gate()
    tale.board["checks"] = {"locked_out": {"value": 310.0, "at": tale.at + 2_000, "detail": ""}}
    row = next(text for text in frame(tale.later(3), 80) if "locked_out" in text)
    assert ("310 " in row, "worst 310" in row) == (True, True)


def test_a_step_without_its_driver_is_not_called_running(tales: ModuleType) -> None:
    """Nobody knows how it is with what a dead driver had in hand, and no clock pretends that it goes on."""
    tale = tales.Tale().later(1)
    tale.hold.release()
    (step,) = [text for text in frame(tale, 80) if text.strip().startswith("> throttle")]
    assert "under way when its" in step


def test_what_a_run_costs_is_shown(tales: ModuleType) -> None:
    """The error budget that went stands beside the guards, of what the objective leaves, per surface."""
    tale = tales.Tale().at_gate()
    tale.board["budgets"] = {
        "consumer": {"spent_ms": 246_000, "budget_ms": 2_592_000, "at": tale.at},
        "api": {"spent_ms": 0, "budget_ms": 2_592_000, "at": tale.at},
    }
    tale.later(1)
    (wide,) = [text for text in frame(tale, 160) if "BUDGET" in text]
    assert wide.startswith("GUARD       api_errors")
    assert wide.endswith("BUDGET      consumer -4m of 43m     api -0s of 43m")
    assert any(text.startswith("BUDGET      consumer -4m of 43m") for text in frame(tale, 80))


def test_what_is_left_is_said_with_its_evidence(tales: ModuleType) -> None:
    """Whoever asks when it is over is told a range and what it rests on; where nobody knows, nothing is."""
    tale = tales.Tale().at_gate()
    document = status_document(tale.run, name="7f3")
    assert not [each for each in render(document, 80, tale.at, name="7f3") if plain(each).startswith("LEFT")]
    document["left"] = {
        "low_s": 240,
        "median_s": 300,
        "high_s": 420,
        "runs": 6,
        "source": "runs",
        "says": "4-7m (6 runs)",
    }
    (left,) = [text for each in render(document, 80, tale.at, name="7f3") if (text := plain(each)).startswith("LEFT")]
    assert left == "LEFT        4-7m (6 runs) of work; what people take comes on top"


def test_production_cannot_be_mistaken(tales: ModuleType) -> None:
    """The environment is a word beside the site, and a colour of its own."""
    tale = tales.Tale()
    document = status_document(tale.run, name="7f3")
    header = render(document, 80, tale.at, name="7f3")[0]
    assert header[0].text == "PROD-EU [production]"
    assert header[0].style == "production"

"""How long each stage took and how long it waited for people, from the facts of a run."""

from collections.abc import Iterable
from typing import Any

from relight.control.history import Event
from relight.kernel.facts import GateAsked, GateOpened, RunEnded, StageEntered, StageSkipped, StageVerified
from relight.kernel.state import Run


class _Times:
    def __init__(self, began_t: int) -> None:
        self.began_t = began_t
        self.entered_t: int | None = None
        self.ended_t: int | None = None
        self.asked_t: int | None = None
        self.waited_ms = 0
        self.outcome = "not done"


def stage_times(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Return for every stage that was begun: when, how long it took, and how much of it waited at its gate."""
    times: dict[str, _Times] = {}
    run: Run | None = None
    for event in events:
        run, fact = event.run, event.fact
        current = times.setdefault(_stage_of(event), _Times(fact.t)) if _stage_of(event) else None
        if current is None:
            continue
        match fact:
            case GateAsked():
                current.asked_t = fact.t
            case GateOpened():
                current.waited_ms += fact.t - (current.asked_t if current.asked_t is not None else fact.t)
            case StageEntered():
                current.entered_t = fact.t
            case StageVerified():
                current.ended_t, current.outcome = fact.t, "succeeded"
            case StageSkipped():
                current.ended_t, current.outcome = fact.t, "skipped"
            case _:
                pass
    return [_entry(stage, each, run) for stage, each in times.items()]


def _stage_of(event: Event) -> str:
    """Return the stage that a fact is about; the one at the cursor where it names none."""
    if isinstance(event.fact, RunEnded):
        return ""
    named = getattr(event.fact, "stage", "")
    return str(named) or (event.run.current.id if event.run.current is not None else "")


def _entry(stage: str, times: _Times, run: Run | None) -> dict[str, Any]:
    ended = times.ended_t if times.ended_t is not None else (run.t if run is not None else times.began_t)
    return {
        "id": stage,
        "state": times.outcome,
        "took_s": round((ended - times.began_t) / 1_000, 1),
        "waited_for_people_s": round(times.waited_ms / 1_000, 1),
    }

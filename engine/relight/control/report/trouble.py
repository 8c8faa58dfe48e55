"""What did not go straight: holds, unknown outcomes, retries, step-backs, breached guards, changes of driver."""

from typing import Any

from relight.control.report.history import Entry, Told
from relight.control.sentences import sentence
from relight.control.times import seconds
from relight.control.wording import instant, rounded
from relight.kernel import facts as f
from relight.kernel.holds import HOLDS
from relight.kernel.state import Unknown


def place(entry: Entry) -> dict[str, Any]:
    """Return where and when a fact was, and what it says."""
    fact = entry.fact
    return {
        "seq": entry.seq,
        "t_s": seconds(fact.t),
        "at": instant(fact.at),
        "stage": entry.stage or None,
        "step": getattr(fact, "step", "") or None,
        "says": sentence(fact),
    }


def hold_documents(told: Told) -> list[dict[str, Any]]:
    """Return every hold: what it was about, how long it lasted and how it was left."""
    open_holds: dict[tuple[str, str, str], dict[str, Any]] = {}
    found = []
    for entry in told.entries:
        fact = entry.fact
        if isinstance(fact, f.Held):
            one = place(entry) | {
                "code": fact.code,
                "means": HOLDS[fact.code].means if fact.code in HOLDS else "",
                "text": fact.text,
                "lasted_s": seconds(told.end_t - fact.t),
                "left": None,
            }
            open_holds[(fact.code, fact.stage, fact.step)] = one
            found.append(one)
        elif isinstance(fact, f.HoldLeft):
            held = open_holds.pop((fact.code, fact.stage, fact.step), None)
            if held is not None:
                held["lasted_s"] = round(seconds(fact.t) - held["t_s"], 1)
                held["left"] = {"verb": fact.verb, "person": fact.person, "reason": fact.reason, "seq": entry.seq}
        elif isinstance(fact, f.AbortBegun | f.RunEnded):
            for held in open_holds.values():
                held["lasted_s"] = round(seconds(fact.t) - held["t_s"], 1)
                held["left"] = {"verb": "abort", "person": getattr(fact, "person", ""), "reason": "", "seq": entry.seq}
            open_holds.clear()
    return found


def unknown_documents(told: Told) -> list[dict[str, Any]]:
    """Return every outcome that nobody knew for a while, and how it was settled."""
    waiting: dict[str, dict[str, Any]] = {}
    found = []
    for entry in told.entries:
        fact = entry.fact
        for step in _lost(entry):
            if step not in waiting:
                why = fact.why if isinstance(fact, f.StepLost) else "its driver was gone while it was under way"
                waiting[step] = place(entry) | {"step": step, "why": why, "settled": None}
                found.append(waiting[step])
        known = getattr(fact, "step", "")
        if known in waiting and isinstance(fact, _SETTLES) and not _is_unknown(entry, known):
            by, person = getattr(fact, "by", ""), getattr(fact, "person", "")
            waiting.pop(known)["settled"] = {
                "seq": entry.seq,
                "t_s": seconds(fact.t),
                "by": by or ("a person" if person else _heard(fact)),
                "person": person,
                "reason": getattr(fact, "reason", ""),
                "says": sentence(fact),
            }
    return found


_SETTLES = (f.StepSettled, f.StepSucceeded, f.StepFailed, f.StepSkipped, f.StepReopened, f.StepDispatched)


def _heard(fact: object) -> str:
    return "what was done next" if isinstance(fact, f.StepDispatched) else "what was heard of it"


def _lost(entry: Entry) -> list[str]:
    if isinstance(entry.fact, f.StepLost):
        return [entry.fact.step]
    if isinstance(entry.fact, f.DriverTookOver):
        return [step for step in entry.run.steps if _is_unknown(entry, step) and not _was_unknown(entry, step)]
    return []


def _is_unknown(entry: Entry, step: str) -> bool:
    record = entry.run.steps.get(step)
    return record is not None and (isinstance(record.state, Unknown) or record.word == "unknown")


def _was_unknown(entry: Entry, step: str) -> bool:
    record = entry.before.steps.get(step) if entry.before is not None else None
    return record is not None and record.word == "unknown"


def attempts_documents(told: Told) -> list[dict[str, Any]]:
    """Return failures of steps and of undoing, and what was tried again."""
    kinds = f.StepFailed | f.RetryScheduled | f.StepReopened | f.UndoFailed | f.StepStopping
    return [place(entry) for entry in told.entries if isinstance(entry.fact, kinds)]


def step_back_documents(told: Told) -> list[dict[str, Any]]:
    """Return every step back that a ramp took by itself."""
    return [
        place(entry) | {"value": entry.fact.value, "why": rounded(entry.fact.why)}
        for entry in told.entries
        if isinstance(entry.fact, f.RampMoved) and entry.fact.counted
    ]


def breach_documents(told: Told) -> list[dict[str, Any]]:
    """Return every breach of a guard, and how long it lasted; None: it was not over."""
    since: dict[str, dict[str, Any]] = {}
    found = []
    for entry in told.entries:
        fact = entry.fact
        if isinstance(fact, f.GuardBreached):
            since[fact.check] = place(entry) | {"check": fact.check, "value": fact.value, "lasted_s": None}
            found.append(since[fact.check])
        elif isinstance(fact, f.GuardCleared) and fact.check in since:
            one = since.pop(fact.check)
            one["lasted_s"] = round(seconds(fact.t) - one["t_s"], 1)
    return found


def driver_documents(told: Told) -> list[dict[str, Any]]:
    """Return who drove it, each with how long nobody may have before."""
    found = []
    for entry in told.entries:
        if isinstance(entry.fact, f.DriverTookOver):
            before = entry.before
            gap = entry.fact.t - before.t if before is not None and before.epoch > 0 else 0
            found.append(
                place(entry)
                | {
                    "driver": entry.fact.driver,
                    "epoch": entry.fact.epoch,
                    "clock_lost": entry.fact.clock_lost,
                    "silent_before_s": seconds(gap),
                }
            )
    return found


def noted_documents(told: Told) -> list[dict[str, Any]]:
    """Return what people wrote down."""
    return [
        place(entry) | {"person": entry.fact.person, "door": entry.fact.door, "text": entry.fact.text}
        for entry in told.entries
        if isinstance(entry.fact, f.Noted)
    ]


def drift_documents(told: Told) -> list[dict[str, Any]]:
    """Return where the world showed another value than the one in force."""
    return [place(entry) for entry in told.entries if isinstance(entry.fact, f.EffectDrifted)]

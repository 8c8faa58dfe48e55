"""What the steps and stages of a runbook took at a site before: a small record of each run, and the ranges of them.

A record is made from a run's facts once it is over, and kept on a shelf of the journal; it is a shortcut and no fact.
Whoever may take a moment (``relight runs --steps``, ``relight plan``) makes those that are missing; a view never does.
The time that people took is in none of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from relight.control.times import Times, seconds, times_of
from relight.control.wording import counted, now_ms, rough
from relight.errors import JournalError, UsageError
from relight.journal.codec import decode
from relight.journal.port import Journal, Kept, Row
from relight.kernel.plan import Plan
from relight.kernel.state import Run

if TYPE_CHECKING:
    from relight.control.rehearsing import Played

VERSION = 1
RUNS_MAX = 20
"""Runs that a range is made of, the newest: what was a year ago says little of tonight."""
LOOK_BACK_MAX = 2_000
"""Runs of the journal that are looked through for those of one runbook at one site."""
_UNREADABLE = (JournalError, AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What a journal that was changed makes of the fold is anybody's guess; ``relight verify`` says what was changed."""


class Range(NamedTuple):
    """What something took: *source* is ``runs`` or ``rehearsal``, *evidence* how many of them there are."""

    low_ms: int
    median_ms: int
    high_ms: int
    evidence: int
    source: str = "runs"

    @property
    def words(self) -> str:
        """The range and what it rests on, in a few words: ``2-4m (6 runs)``."""
        low, high = (rough(ms) if ms >= 1_000 else "1s" for ms in (self.low_ms, self.high_ms))
        if self.high_ms < 1_000:
            said = "<1s"
        elif low == high:
            said = low
        else:
            said = f"{low[:-1]}-{high}" if low[-1] == high[-1] and low[:-1].isdigit() else f"{low} to {high}"
        return f"{said} ({'rehearsed' if self.source == 'rehearsal' else counted(self.evidence, 'run')})"

    def document(self) -> dict[str, Any]:
        """Return it as documents have it."""
        return {
            "low_s": seconds(self.low_ms),
            "median_s": seconds(self.median_ms),
            "high_s": seconds(self.high_ms),
            "runs": self.evidence if self.source == "runs" else 0,
            "source": self.source,
            "says": self.words,
        }


class Usual(NamedTuple):
    """The ranges of one runbook at one site, by step and by stage; *runs* are those that were looked at."""

    runs: tuple[str, ...] = ()
    steps: Mapping[str, Range] = {}
    stages: Mapping[str, Range] = {}
    whole: Range | None = None
    rehearsed: bool = False


NOTHING = Usual()


# ---- one run


_PARTS = {"at", "steps", "stages", "whole"}


def record_of(times: Times) -> dict[str, Any]:
    """Return what is kept of a run: machine milliseconds of what succeeded by itself, with what each step called."""
    run = times.run
    assert run is not None, "a run that is over has facts"
    steps = {}
    for name, stint in times.steps.items():
        if (
            stint.outcome in {"succeeded", "undone"}
            and not stint.by_hand
            and not stint.spent.undriven
            and not _helped(run, name)
        ):
            steps[name] = [_called(run, name), stint.spent.machine]
    stages = {
        name: stint.spent.machine
        for name, stint in times.stages.items()
        if stint.outcome == "succeeded" and not stint.spent.undriven
    }
    whole = times.spent.machine if run.outcome == "succeeded" and not times.spent.undriven else None
    return {
        "v": VERSION,
        "at": run.ended_at or run.at,
        "outcome": run.outcome,
        "steps": steps,
        "stages": stages,
        "whole": whole,
    }


def keep_durations(journal: Journal, run_id: str) -> None:
    """Keep what a run took, once it is over; quietly nothing where it is not, or cannot be kept."""
    with suppress(*_UNREADABLE):
        row = journal.row(run_id)
        if row is not None and row.ended_at is not None:
            _kept_now(journal, row)


def _kept_now(journal: Journal, row: Row) -> dict[str, Any]:
    times = times_of(decode(record.body) for record in journal.records(row.run))
    body = record_of(times)
    shelf, now = shelf_of(row.runbook, row.site), now_ms()
    journal.keep(Kept(shelf=shelf, name=row.run, at=now, body=body))
    there = sorted(journal.kept(shelf, now), key=lambda kept: int(kept.body.get("at", 0)))
    for old in there[:-RUNS_MAX]:
        journal.let_go(shelf, old.name)
    return body


def shelf_of(runbook: str, site: str) -> str:
    """Return the shelf on which the records of that runbook at that site are."""
    return f"durations {runbook} at {site}"


def _helped(run: Run, step: str) -> bool:
    """Return whether a person had a hand in its end, or it was lost on the way: what it took says nothing then."""
    record = run.steps.get(step)
    return record is None or record.unknowns > 0


def _called(run: Run, step: str) -> str:
    found = run.plan_index.get(step)
    return "" if found is None else called(found[1])


def called(step: Any) -> str:
    """Return what a step calls, by which its record is known again after the runbook has changed."""
    return step.use.capability if step.use is not None else str(step.kind)


# ---- all of them


def usual(journal: Journal, runbook: str, site: str, *, without: str = "") -> Usual:
    """Return the ranges as far as they are kept; nothing is folded, so that a view may ask every time.

    Args:
        without: A run that is no evidence, such as the one that is compared with the others.
    """
    kept = [each for each in _kept(journal, shelf_of(runbook, site)) if each[0] != without]
    return _ranges(kept) if kept else _rehearsed(journal, runbook, site)


def usual_mended(journal: Journal, runbook: str, site: str) -> Usual:
    """Return the ranges after making the records that are missing from the facts: a moment for each run without one."""
    known = {name for name, _ in _kept(journal, shelf_of(runbook, site))}
    for row in ended_rows(journal, runbook, site):
        if row.run not in known:
            with suppress(*_UNREADABLE):
                _kept_now(journal, row)
    return usual(journal, runbook, site)


def ended_rows(journal: Journal, runbook: str, site: str) -> list[Row]:
    """Return the newest runs of that runbook at that site that are over."""
    rows = (row for row in journal.rows(limit=LOOK_BACK_MAX) if row.ended_at is not None)
    return [row for row in rows if (row.runbook, row.site) == (runbook, site)][:RUNS_MAX]


def _kept(journal: Journal, shelf: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the records on a shelf; what another version put there is as if it were missing."""
    there = journal.kept(shelf, now_ms())
    return [(each.name, each.body) for each in there if each.body.get("v") == VERSION and each.body.keys() >= _PARTS]


def _ranges(kept: Sequence[tuple[str, Mapping[str, Any]]], source: str = "runs") -> Usual:
    newest = sorted(kept, key=lambda each: int(each[1]["at"]))[-RUNS_MAX:]
    steps: dict[str, list[tuple[str, int]]] = {}
    stages: dict[str, list[int]] = {}
    for _, body in newest:
        for name, (capability, ms) in body["steps"].items():
            steps.setdefault(name, []).append((capability, ms))
        for name, ms in body["stages"].items():
            stages.setdefault(name, []).append(ms)
    wholes = [int(body["whole"]) for _, body in newest if body["whole"] is not None]
    return Usual(
        runs=tuple(name for name, _ in newest) if source == "runs" else (),
        steps={_key(name, taken[-1][0]): _range(_alike(taken), source) for name, taken in steps.items()},
        stages={name: _range(taken, source) for name, taken in stages.items()},
        whole=_range(wholes, source) if wholes else None,
        rehearsed=source == "rehearsal",
    )


def _alike(taken: Iterable[tuple[str, int]]) -> list[int]:
    """Return the times of those that called what the newest did: a step of that name may have been another once."""
    listed = list(taken)
    return [ms for capability, ms in listed if capability == listed[-1][0]]


def _range(taken: Sequence[int], source: str) -> Range:
    """Return the middle and the spread: of ten and more the slowest and the fastest tenth are left out."""
    ordered = sorted(taken)
    cut = len(ordered) // 10
    kept = ordered[cut : len(ordered) - cut]
    return Range(kept[0], _middle(ordered), kept[-1], len(ordered), source)


def _middle(ordered: Sequence[int]) -> int:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else round((ordered[half - 1] + ordered[half]) / 2)


def _key(step: str, capability: str) -> str:
    return f"{step} {capability}"


def range_of(known: Usual, step: Any) -> Range | None:
    """Return what that step of a plan is expected to take, None where nothing tells."""
    return known.steps.get(_key(step.id, called(step)))


def with_usual(document: dict[str, Any], plan: Plan, known: Usual) -> dict[str, Any]:
    """Put what steps and stages took before beside them, in a plan or a status document; None where nobody knows."""
    steps = {step.id: range_of(known, step) for stage in plan.stages for step in stage.steps}
    for stage in document["stages"]:
        stage["usual"] = _document(known.stages.get(stage["id"]))
        for step in stage["steps"]:
            step["usual"] = _document(steps.get(step["id"]))
    for gate in (document.get("gate"), document.get("waiting_on")):
        for will in (gate or {}).get("will", ()):
            will["usual"] = _document(steps.get(will["step"]))
    document["usual"] = _document(known.whole)
    return document


def _document(found: Range | None) -> dict[str, Any] | None:
    return None if found is None else found.document()


def durations_document(known: Usual, runbook: str, site: str) -> dict[str, Any]:
    """Return ``relight.durations/v1``: what the steps and stages of a runbook took at a site."""
    return {
        "schema": "relight.durations/v1",
        "runbook": runbook,
        "site": site,
        "source": "rehearsal" if known.rehearsed else "runs" if known.runs else None,
        "runs": list(known.runs),
        "whole": _document(known.whole),
        "stages": [{"id": name, **found.document()} for name, found in known.stages.items()],
        "steps": [{"id": name, "does": does, **found.document()} for name, does, found in step_names(known)],
    }


def sites_of(journal: Journal, runbook: str) -> list[str]:
    """Return the sites at which that runbook was run, the last one first.

    Raises:
        UsageError: it never was in this journal; names those that were.
    """
    rows = journal.rows(limit=LOOK_BACK_MAX)
    sites = list(dict.fromkeys(row.site for row in rows if row.runbook == runbook))
    if not sites:
        known = sorted({row.runbook for row in rows})
        hint = f"runs are of: {', '.join(known)}" if known else "this journal has no runs yet"
        raise UsageError(f"no run of {runbook!r} is in {journal.location}", hint=hint)
    return sites


def step_names(known: Usual) -> list[tuple[str, str, Range]]:
    """Return every step that is known, with what it calls."""
    return [(*key.split(" ", 1), found) for key, found in known.steps.items()]  # type: ignore[misc]


# ---- rehearsals, where there are no runs


def rehearsals_shelf(runbook: str, site: str) -> str:
    """Return the shelf on which the last rehearsal of that runbook at that site is."""
    return f"rehearsed {runbook} at {site}"


def keep_rehearsed(journal: Journal | None, played: "Played") -> None:
    """Keep what a rehearsal in a site's simulation took, if it went through; quietly nothing if it cannot be kept.

    One with a script tells how things go wrong, and not how long they take.
    """
    run = played.rehearsed.run
    if journal is None or played.simulation is None or played.name or run.outcome != "succeeded":
        return
    times = times_of(told.fact for told in played.rehearsed.told)
    now = now_ms()
    body = {**record_of(times), "at": now, "digest": played.plan.digest}
    with suppress(JournalError):
        journal.keep(Kept(shelf=rehearsals_shelf(run.plan.runbook, run.plan.site), name="last", at=now, body=body))


def _rehearsed(journal: Journal, runbook: str, site: str) -> Usual:
    kept = _kept(journal, rehearsals_shelf(runbook, site))
    return _ranges(kept, "rehearsal") if kept else NOTHING

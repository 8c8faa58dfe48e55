"""A report document as a paper: the same words for Markdown and for a page, plain and without blame.

It says what was recorded and by whom it was decided; it never says why something went as it did.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from relight.charts import (
    Band,
    Block,
    Drawing,
    Folded,
    Heading,
    Items,
    Moment,
    Pairs,
    Sheet,
    Table,
    Words,
    markdown,
    paper_body,
    paper_page,
)
from relight.control.report import words_evidence as evidence
from relight.control.report.checks import limits_of, lines_of
from relight.control.times import WORTH_SAYING_S, took_words
from relight.control.wording import argument, counted, listed, span

KEY_MOMENTS = (
    ("GATE ", "gate of ", "GUARD ", "guard ", "HELD ", "hold ", "stage ", "the run ", "driver ", "ticket ", "DRIFT "),
    (
        " STEPS BACK ",
        " FAILED: ",
        " UNKNOWN: ",
        " aborted ",
        " could not be undone: ",
        " paused ",
        " resumed ",
        " denied ",
        " notes: ",
        " rises to ",
        " steps down ",
    ),
)
"""How the sentences begin, or what is in them, that tell the course of a run; the rest is in the full timeline."""
SEQS_MAX = 5
"""Records that a hint names; the document has all of them."""
MOMENTS_MAX = 2_000
"""Rows of a timeline on a page; ``relight log`` has them all."""


def report_markdown(report: Mapping[str, Any]) -> str:
    """Return a report as Markdown."""
    return markdown(blocks(report))


def report_html(report: Mapping[str, Any]) -> str:
    """Return a report as one page that needs nothing else."""
    return paper_page(headline(report), blocks(report))


def report_body(report: Mapping[str, Any]) -> str:
    """Return the same for a page with a manner of its own: it goes into something of the classes sheet and paper."""
    return paper_body(blocks(report))


def headline(report: Mapping[str, Any]) -> str:
    """Return what was run where, how it stands and after how long."""
    took = span(report["time"]["took_s"] * 1_000)
    state = report["state"] if report["ended_at"] is not None else f"{report['state']}, not over"
    return f"{report['runbook']} at {report['site']}: {state} after {took}"


def blocks(report: Mapping[str, Any]) -> list[Block]:
    """Return the paper."""
    return [
        *_head(report),
        *_look_at(report),
        *_stages(report),
        *_moments(report),
        *evidence.checks(report, _sheet(report)),
        *evidence.decisions(report),
        *_course(report),
        *_left(report),
        *_budgets(report),
        *_rehearsal(report),
        *_end(report),
    ]


def _head(report: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading(headline(report), 1)
    yield Words(report["title"], "soft")
    if report["ended_at"] is None:
        as_of = utc(report["made_at"])
        yield Words(f"This run is not over. What follows was known at {as_of}.", "bad")
    yield Words(in_short(report))
    journal = report["journal"]
    verified = "verified" if journal["ok"] else f"DOES NOT VERIFY: {journal['finding']}"
    rows = [
        ("Run", report["run"]),
        ("Started", f"{utc(report['started_at'])}, by {report['starter']}"),
        ("Ended", f"{utc(report['ended_at'])}: {report['why']}" if report["ended_at"] else "not yet"),
        ("Owner", report["owner"]),
        ("Inputs", ", ".join(f"{name} {argument(value)}" for name, value in report["inputs"].items())),
        ("Plan", report["plan_digest"]),
        ("Journal", f"{counted(journal['records'], 'record')}, {verified}; the last sound one is {journal['head']}"),
    ]
    yield Pairs([(name, value) for name, value in rows if value])


def in_short(report: Mapping[str, Any]) -> str:
    """Return the run in a few sentences."""
    time = report["time"]
    said = f"{time_words(time)}."
    opened = [each for each in report["decisions"] if each["kind"] == "gate opened"]
    if opened:
        people = listed(sorted({name for each in opened for name in each["who"].split(", ") if name}))
        by = f", with {people} approving" if people else ""
        said += f" {counted(len(opened), 'gate')} opened{by}."
    done = sum(stage["outcome"] == "succeeded" for stage in report["stages"])
    said += f" {done} of {counted(len(report['stages']), 'stage')} done"
    where = f"; it stands at {report['stage']}" if report["stage"] and done < len(report["stages"]) else ""
    return f"{said}{where}."


def time_words(time: Mapping[str, Any]) -> str:
    """Return how long it took and whose the time was."""
    whole, machine = span(time["took_s"] * 1_000), span(time["machine_s"] * 1_000)
    said = f"{whole} in all: {machine} of work and checks, {span(time['people_s'] * 1_000)} of waits for people"
    if time["undriven_s"] >= WORTH_SAYING_S:
        said += f", and at most {span(time['undriven_s'] * 1_000)} without a driver"
    return said


def _look_at(report: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("What to look at")
    hints = [
        each["text"] + (f" ({_numbers(each['records'])})" if each["records"] else "") for each in report["look_at"]
    ]
    yield Items(hints) if hints else Words("Nothing stands out in what was recorded.")


def _numbers(seqs: list[int]) -> str:
    if len(seqs) > SEQS_MAX:
        return f"records {', '.join(str(seq) for seq in seqs[:SEQS_MAX])} and {len(seqs) - SEQS_MAX} more"
    return f"record{'' if len(seqs) == 1 else 's'} {listed([str(seq) for seq in seqs])}"


# ---- time


def _sheet(report: Mapping[str, Any]) -> Sheet:
    bands = [
        Band(
            id=stage["id"],
            from_ms=round(stage["began_s"] * 1_000),
            until_ms=None if stage["ended_s"] is None else round(stage["ended_s"] * 1_000),
            outcome=stage["outcome"],
            waits=tuple((round(w["from_s"] * 1_000), round(w["until_s"] * 1_000)) for w in stage["waits"]),
        )
        for stage in report["stages"]
        if stage["began_s"] is not None
    ]
    return Sheet(
        title=f"{report['runbook']} at {report['site']}",
        outcome=report["state"],
        bands=bands,
        moments=[Moment(t_ms=round(report["time"]["took_s"] * 1_000), what="")],
        curves=lines_of(report["checks"]),
        limits=limits_of(report["checks"]),
    )


def _stages(report: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Where the time went")
    yield Drawing(_sheet(report), "stages")
    lost = report["time"]["undriven_s"] >= WORTH_SAYING_S
    known = any(stage["usual"] for stage in report["stages"])
    head = [
        "Stage",
        "Ended",
        "Took",
        "Machine",
        "People",
        *(["No driver"] if lost else []),
        *(["Before"] if known else []),
    ]
    rows = []
    for stage in report["stages"]:
        figures = ("took_s", "machine_s", "people_s", *(["undriven_s"] if lost else []))
        began = stage["began_s"] is not None
        rows.append(
            [
                stage["id"],
                stage["outcome"],
                *(span(stage[key] * 1_000) if began else "" for key in figures),
                *([stage["usual"]["says"] if stage["usual"] else ""] if known else []),
            ]
        )
    yield Table(head, rows, frozenset(range(2, 6 if lost else 5)))
    if not known:
        yield Words("No earlier run of this runbook at this site is recorded to compare with.", "soft")
    else:
        yield Words("Before: what it took at this site, people's time left out, and how many runs say so.", "soft")
    yield Folded("Every step", [_steps(report)])


def _steps(report: Mapping[str, Any]) -> Table:
    rows = [
        [
            step["id"],
            step["does"],
            step["state"] if step["attempts"] < 2 else f"{step['state']}, {step['attempts']} dispatches",
            took_words(step) if step["began_s"] is not None else "",
            step["usual"]["says"] if step["usual"] else "",
        ]
        for stage in report["stages"]
        for step in stage["steps"]
    ]
    return Table(["Step", "Does", "State", "Took", "Before"], rows)


def _moments(report: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Timeline")
    told = [each for each in report["timeline"] if not each["quiet"]][:MOMENTS_MAX]
    yield _timeline([each for each in told if is_key(each["says"])])
    yield Folded(f"All {len(told)} moments", [_timeline(told)])
    if len(told) == MOMENTS_MAX:
        yield Words(f"Only the first {MOMENTS_MAX:,} are shown; `relight log {report['name']}` has them all.", "soft")


def is_key(says: str) -> bool:
    """Return whether a sentence tells the course of the run."""
    return says.startswith(KEY_MOMENTS[0]) or any(part in f"{says} " for part in KEY_MOMENTS[1])


def _timeline(moments: list[Mapping[str, Any]]) -> Table:
    rows = [
        [f"{span(each['t_s'] * 1_000)}  {clock(each['at'])}", each["stage"] or "", each["says"]] for each in moments
    ]
    return Table(["When, UTC", "Stage", "What happened"], rows)


# ---- what did not go straight


def _course(report: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("What did not go straight")
    nothing = [said for said, key in _NOTHING if not report[key]]
    parts = (evidence.holds, evidence.unknowns, evidence.plain, evidence.breaches, evidence.drivers, evidence.notes)
    for part in parts:
        yield from part(report)
    if nothing:
        yield Words(f"{listed(nothing).capitalize()}.")


_NOTHING = (
    ("it never held", "holds"),
    ("no outcome was unknown", "unknowns"),
    ("nothing failed or was tried again", "attempts"),
    ("no ramp stepped back", "step_backs"),
    ("no guard was breached", "guard_breaches"),
    ("nothing drifted", "drift"),
)


def _left(report: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Still in force")
    left = report["effects_left"]
    if not left:
        yield Words("Nothing: every effect was undone or cleared.")
        return
    rows = [
        [
            each["step"],
            ("" if each["sure"] else "perhaps ") + each["says"] + (" (protective)" if each["protective"] else ""),
            utc(each["since"]),
            _fate(each),
        ]
        for each in left
    ]
    yield Table(["Step", "Effect", "Since", "Its undo"], rows)


def _fate(effect: Mapping[str, Any]) -> str:
    if effect["adopted_by"]:
        return f"run {effect['adopted_by']} holds it now"
    # What a drill changed is gone with its site.
    return "gone with what it changed" if effect["adopted_by"] == "" else effect["undo"] or "cannot be undone"


def _budgets(report: Mapping[str, Any]) -> Iterator[Block]:
    if not report["budgets"]:
        return
    yield Heading("Error budget spent")
    rows = []
    for each in report["budgets"]:
        spent = each["spent_s"]
        share = "" if spent is None or not each["budget_s"] else f"{100 * spent / each['budget_s']:.2g}%"
        rows.append(
            [
                each["surface"],
                f"{each['objective']:g}% over {round(each['window_s'] / 86_400)}d",
                "not measured" if spent is None else f"{spent:,.1f} s",
                f"{each['budget_s']:,.0f} s",
                share,
            ]
        )
    yield Table(["Surface", "Objective", "Spent by this run", "Budget", "Share"], rows, frozenset({2, 3, 4}))
    yield Words(
        "Counted in seconds in which everything would have failed, while the run was driven; "
        "what was lost before it began is not in it.",
        "soft",
    )


def _rehearsal(report: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Rehearsed and real")
    found = report["rehearsal"]
    if found is None:
        yield Words(f"Not compared: {report['rehearsal_missing']}.")
        return
    dice = f", seed {found['seed']}" if found["seed"] is not None else ""
    changed = "" if found["same_plan"] else " The plan was changed while it ran; rehearsed is the one it began with."
    yield Words(
        f"The same plan played in the site's simulation{dice}: {found['state']}"
        f" after {span(found['planned_s'] * 1_000)};"
        f" really {_really(report)} after {span(found['real_s'] * 1_000)} without people."
        f" Step-backs: {found['step_backs']['planned']} rehearsed, {found['step_backs']['real']} real.{changed}"
    )
    rows = [
        [
            stage["id"],
            _seconds(stage["planned_s"], stage["planned"]),
            _seconds(stage["real_s"], stage["real"]),
            _difference(stage["difference_s"]),
            "" if stage["people_s"] is None else span(stage["people_s"] * 1_000),
        ]
        for stage in found["stages"]
    ]
    yield Table(["Stage", "Rehearsed", "Real", "Difference", "People"], rows, frozenset({1, 2, 3, 4}))


def _really(report: Mapping[str, Any]) -> str:
    return str(report["state"]) if report["ended_at"] is not None else f"{report['state']}, not over,"


def _seconds(value: float | None, outcome: str) -> str:
    if value is None:
        return outcome
    return span(value * 1_000) + ("" if outcome == "succeeded" else f" {outcome}")


def _difference(value: float | None) -> str:
    if value is None:
        return ""
    return f"{'+' if value > 0 else '-'}{span(abs(value) * 1_000)}" if abs(value) >= WORTH_SAYING_S else "0:00"


def _end(report: Mapping[str, Any]) -> Iterator[Block]:
    if report["missing"]:
        yield Heading("What cannot be told")
        yield Items(report["missing"])
    yield Words(
        f"Made {utc(report['made_at'])} from {report['journal']['location']}."
        f" Prove that nobody changed it: relight verify {report['name']}",
        "soft",
    )


def utc(instant: str | None) -> str:
    """Return a moment as a postmortem has it: ``2026-11-23 03:24:10 UTC``."""
    return "" if instant is None else f"{instant[:10]} {instant[11:19]} UTC"


def clock(instant: str | None) -> str:
    """Return the time of day of a moment, UTC."""
    return "" if instant is None else instant[11:19]

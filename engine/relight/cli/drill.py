"""The drill: a real brownout on this machine, recovered with a shipped runbook, by you."""

import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relight.cli.deputy import DEPUTY, Answerer, told
from relight.cli.door import Door, with_door
from relight.cli.following import Follower, goes_live, signals_end_in_order
from relight.cli.practice import FAULTS, Practice
from relight.cli.terminal import Line, Span, line, may_prompt, pad
from relight.errors import RelightError, UsageError
from relight.shipped import runbook as shipped_runbook

if TYPE_CHECKING:
    from relight.kernel.plan import Plan
    from relight.kernel.state import Run

RUNBOOK = "brownout-recovery"
STEADY_S = 3.0
"""Before the site is broken: its figures are averages over seconds, and a calm one is what to come back to."""
SHOWS_S = 60.0
"""How long a brownout may take to show; on a quiet machine it takes five seconds."""
SHOWN_ERRORS, SHOWN_LOCKED_OUT = 0.05, 20
STOP_S = 15.0
"""How long the driver may take to end when the drill is left: its grace period and a little more."""


@click.command()
@click.argument("runbook", default=RUNBOOK)
@click.option("--auto", is_flag=True, help="The deputy approves every gate once its required checks pass.")
@click.option("--keep", is_flag=True, help="Leave the site and its journal there at the end.")
@click.option("--seed", type=int, default=7, show_default=True, help="Of the site's dice.")
@with_door
def drill(door: Door, runbook: str, auto: bool, keep: bool, seed: int) -> int:
    """Recover a real brownout on this machine, for practice.

    Starts a small sign-in service on loopback, breaks it, and runs RUNBOOK (brownout-recovery, or another one that
    comes with relight) against it. You are asked for the gates; a scripted deputy answers what you may not.
    At the end everything is stopped. With -o json the run's status document is all of standard output.
    """
    if not auto and not may_prompt():
        raise UsageError("a drill asks for its gates, and there is no terminal to ask on", hint="add --auto")
    shipped_runbook(runbook)  # says that there is none before anything is started
    with signals_end_in_order(), _place(door, keep=keep) as folder:
        practice = Practice(folder / "site", seed=seed)
        run_id = ""
        ended = False
        try:
            _break(door, practice, runbook, alone=keep)
            plan = _plan(practice, folder, runbook)
            begun = _start(door, plan, keep=keep)
            run_id = begun.id
            follower = _follow(door, run_id, auto=auto, keep=keep)
            ended = True
            _summary(door, follower, practice)
            if not keep and not _named(door):
                door.tell(*told("The journal goes with the site; with --keep both stay."))
            elif _named(door):
                door.tell(*told(f"How it went, to keep: relight report {follower.name}{door.journal_option}"))
            return _result(door, follower)
        except KeyboardInterrupt:
            door.tell("", *told("You left the drill; stopping everything that it started ..."))
            raise
        finally:
            if run_id:
                _end_driver(door, run_id)
                if not (keep and ended):
                    _abort(door, run_id, "the drill is over, and its site is gone")
                    _forget(door, run_id)
            _end_site(door, practice, folder, keep=keep and ended)


@contextlib.contextmanager
def _place(door: Door, *, keep: bool) -> Iterator[Path]:
    """Give the drill a folder of its own, and a journal there unless the person named one."""
    folder = Path(tempfile.mkdtemp(prefix="relight-drill-"))
    named = _named(door)
    try:
        if not named:
            os.environ["RELIGHT_HOME"] = str(folder)
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _named(door: Door) -> bool:
    """Return whether the person said where the journal is; then it is theirs and stays."""
    home = os.environ.get("RELIGHT_HOME", "")
    return bool(door.journal_url) or (bool(home) and "relight-drill-" not in home)


def _break(door: Door, practice: Practice, runbook: str, *, alone: bool) -> None:
    """Start the site, let it be calm for a moment, break it, and wait until it shows."""
    door.tell(*told("Starting the practice site: an edge, nodes, sessions, caches, a queue and a crowd ..."))
    practice.start(alone=alone)
    time.sleep(STEADY_S)
    kind = FAULTS.get(runbook, "brownout")
    what = "a bad release and a surge" if kind == "brownout" else f"a {kind} failure"
    door.tell(*told(f"It is well. Breaking it now: {what} ..."))
    practice.fault(kind)
    deadline = time.monotonic() + SHOWS_S
    while not _shows(practice):
        if time.monotonic() > deadline:
            raise RelightError(f"the fault did not show within {SHOWS_S:g} s", hint="is this machine very busy?")
        time.sleep(0.25)
    door.tell(*told(f"It browns out: {_figures(practice)}."))


def _shows(practice: Practice) -> bool:
    errors = max(practice.figures.get("login_error_ratio") or 0, practice.figures.get("edge_5xx_ratio") or 0)
    return errors > SHOWN_ERRORS and practice.locked_out >= SHOWN_LOCKED_OUT


def _figures(practice: Practice) -> str:
    from relight.control.wording import counted, figure

    errors = figure(practice.figures.get("login_error_ratio"), "%")
    return f"{errors} of sign-ins fail, {counted(practice.locked_out, 'user')} locked out"


def _plan(practice: Practice, folder: Path, runbook: str) -> "Plan":
    """Plan the runbook against the site, with you and the deputy as its people."""
    from relight.control.people import os_name
    from relight.control.planning import planned_or_raise
    from relight.runbook.plan import prepare_plan

    people = [
        {"id": "you", "roles": ["incident-commander"], "os": os_name()},
        {"id": DEPUTY, "roles": ["incident-commander", "session-owner", "duty-manager"]},
    ]
    site = folder / "practice.site.yaml"
    site.write_text(practice.document(people), encoding="utf-8")
    plan: Plan = planned_or_raise(prepare_plan(shipped_runbook(runbook), site, {}, starter="you"))
    return plan


def _start(door: Door, plan: "Plan", *, keep: bool) -> "Run":
    from relight.control.beginning import begin_run
    from relight.control.finding import short_name

    _clear_away(door)
    begun = begin_run(door.new_journal, plan, starter="you", door="drill")
    _spawn(door, begun.id, keep=keep)
    home = os.environ.get("RELIGHT_HOME", "")
    prefix = "" if door.journal_url else f"RELIGHT_HOME={home} "
    prefix += _program()
    name = short_name(door.journal, begun.id)
    door.tell(
        *told(f"{plan.title}: run {name} has begun. From a second terminal:"),
        line("            ", Span(f"{prefix} status{door.journal_option}", "bold")),
    )
    return begun


def _spawn(door: Door, run_id: str, *, keep: bool) -> None:
    from relight import bootstrap

    bootstrap.spawn(run_id, door.journal.location, ends_with_us=not keep)


def _program() -> str:
    """Return what to type for this very program: its path where a shell would not find it."""
    called = Path(sys.argv[0])
    found = called.name == "relight" and shutil.which("relight") is None
    return shlex.quote(str(called.absolute())) if found else "relight"


def _follow(door: Door, run_id: str, *, auto: bool, keep: bool) -> Follower:
    """Follow the run to its end; with nobody to ask, a hold is an end too."""
    follower = Follower(
        door.journal,
        run_id,
        stream=sys.stderr,
        live=goes_live(sys.stderr),
        journal_option=door.journal_option,
        tick=Answerer(auto=auto, resume=lambda: _spawn(door, run_id, keep=keep)),
    )
    follower.follow(until=(lambda run: run.state == "held") if auto else None)
    return follower


def _summary(door: Door, follower: Follower, practice: Practice) -> None:
    """Say how it went: each stage's time, what is left, and what it cost."""
    from relight.control.times import Times, stage_figures, took_words
    from relight.control.wording import counted, figure

    rows: list[Line | str] = ["", line(Span("How it went", "bold"))]
    times = Times()
    for event in follower.events:
        times.take(event.fact, event.run)
    for stint in times.stages.values():
        took = took_words(stage_figures(stint)).replace(", ", "  ", 1)
        rows.append(line("  ", pad(stint.id, 14), pad(stint.outcome, 11), took))
    left = follower.document()["effects_in_force"]
    rows.append(f"  Left in force: {counted(len(left), 'effect') if left else 'nothing'}")
    rows += [f"    {effect['step']}  {effect['says']}" for effect in left]
    rows.append(
        f"  Locked out: {counted(practice.locked_out_worst, 'user')} at worst, {practice.locked_out} at the end."
    )
    rows.append(f"  Sign-ins that fail now: {figure(practice.figures.get('login_error_ratio'), '%')}")
    door.tell(*rows)


def _result(door: Door, follower: Follower) -> int:
    from relight.control.exits import exit_code

    if not door.for_people:
        door.show(follower.whole_document(), list)
    return exit_code(follower.run)


def _end_driver(door: Door, run_id: str) -> None:
    """End the driver of a run that is not over; one that is over has ended by itself."""
    with contextlib.suppress(RelightError):
        deadline = time.monotonic() + STOP_S
        told = False
        while (lease := door.journal.lease(run_id)) is not None and lease.alive:
            pid = lease.details.get("pid")
            row = door.journal.row(run_id)
            if isinstance(pid, int) and not told and row is not None and row.ended_at is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                told = True
            if time.monotonic() > deadline:
                if isinstance(pid, int):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.05)


def _clear_away(door: Door) -> None:
    """End what a drill that was killed left unfinished: its driver is dead, its site too, and it holds the lock."""
    journal = door.journal_if_any()
    for row in journal.rows(unfinished=True) if journal is not None else ():
        lease = door.journal.lease(row.run)
        if row.site == "practice" and lease is not None and not lease.alive:
            door.tell(*told(f"Run {row.run} was left by a drill that was killed; it is aborted now."))
            _abort(door, row.run, "its drill was killed, and its site is gone")
            _forget(door, row.run)


def _abort(door: Door, run_id: str, why: str) -> None:
    """End a run that nothing can carry on any more; unfinished it would keep the next drill from its lock."""
    from relight.bootstrap import decide_alone
    from relight.control.requests import Asking, ask

    row = door.journal.row(run_id)
    if row is None or row.ended_at is not None:
        return
    with contextlib.suppress(RelightError):
        asking = Asking("abort", reason=why)
        ask(door.journal, row, asking, person="you", decide_alone=lambda: decide_alone(door.journal, run_id))


def _forget(door: Door, run_id: str) -> None:
    """Have nobody adopt what was changed on a site that is gone: the next drill's site is another one."""
    from relight.control.history import load_run
    from relight.control.left import forget

    with contextlib.suppress(RelightError):
        run = load_run(door.journal, run_id)
        if run.outcome is not None:
            forget(door.journal, run)


def _end_site(door: Door, practice: Practice, folder: Path, *, keep: bool) -> None:
    if not keep:
        practice.stop()
        return
    practice.look_no_more()
    place, python = practice.directory, shlex.quote(sys.executable)
    door.tell(
        *told(f"The site goes on at {practice.site.url}; stop it with:"),
        line("            ", Span(f"{python} -m relight_practice down --dir {place} && rm -r {folder}", "bold")),
    )

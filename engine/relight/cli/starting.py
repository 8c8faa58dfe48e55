"""The command that starts a run: plan, probe, show, ask once, then drive in the background and watch."""

import sys
from typing import TYPE_CHECKING, Any

import click

from relight.cli.configuration import find_site
from relight.cli.documents import answer_lines, outsider_lines, planning_options, prepare, seen_now, with_past
from relight.cli.door import Door, with_door
from relight.cli.prompting import confirmed, typed_name
from relight.cli.terminal import Span, line
from relight.control.planning import plan_document, planned_or_raise
from relight.errors import Locked, RelightError, UsageError

if TYPE_CHECKING:
    from relight.kernel.plan import Plan
    from relight.kernel.state import Run
    from relight.runbook.plan import Planned


@click.command()
@planning_options
@click.option("--yes", is_flag=True, help="Do not ask; not enough for production.")
@click.option("--confirm", default="", metavar="NAME", help="The name of a production site, instead of typing it.")
@click.option("--foreground", is_flag=True, help="Drive in this process, for scripts and tests.")
@click.option("--until-decision", is_flag=True, help="Stop watching when a person has to decide: exit 5, 7 or 8.")
@click.option("--detach", is_flag=True, help="Start it and do not watch.")
@with_door
def run(
    door: Door,
    runbook: str,
    site: str,
    inputs: tuple[str, ...],
    yes: bool,
    confirm: str,
    foreground: bool,
    until_decision: bool,
    detach: bool,
) -> int:
    """Start a run: plan, show, ask once, then drive it in the background and watch.

    RUNBOOK is a document, a name of your catalogue, or a runbook that comes with relight.
    Ctrl-C leaves the view; the run goes on without it. Exits as the run ends.
    """
    if foreground and (until_decision or detach):
        raise UsageError(
            "--foreground drives until the run is over", hint="leave it out to watch from beside with --until-decision"
        )
    planned, site_document, starter = prepare(runbook, find_site(site), inputs)
    plan = planned_or_raise(planned)
    if not door.journal_url and site_document is not None and site_document.journal:
        door.journal_url = site_document.journal
    show_before(door, planned, starter)
    try:
        wanted = agreed(plan, yes=yes, confirm=confirm)
    except KeyboardInterrupt:
        door.tell("", "Nothing was started.")
        raise
    if not wanted:
        door.tell("Nothing was started.")
        return 0
    from relight.control.beginning import begin_run

    begun = begin_run(door.new_journal, plan, starter=starter)
    return drive_here(door, begun) if foreground else drive_beside(door, begun, until_decision, detach=detach)


def agreed(plan: "Plan", *, yes: bool, confirm: str) -> bool:
    """Return whether the person wants this plan started, as its environment asks."""
    if plan.environment == "production":
        return typed_name(plan.site, confirm=confirm)
    if confirm:
        return typed_name(plan.site, confirm=confirm)
    return confirmed(f"Start it on {plan.site}?", yes=yes)


def show_before(door: Door, planned: "Planned", starter: str) -> None:
    """Show the plan, with what it adopts of earlier runs, and whether its providers answer."""
    from relight.runbook.describe_text import plan_text

    assert planned.plan is not None, "what is shown was planned"
    seen = seen_now(planned.plan)
    document = with_past(door, planned.plan, plan_document(planned, starter, seen, door.journal_if_any()))
    door.tell(*plan_text(document).splitlines(), *answer_lines(seen))
    door.tell(*outsider_lines(planned.plan, starter))


def drive_beside(door: Door, begun: "Run", until_decision: bool, *, detach: bool = False) -> int:
    """Have the run driven by a serve, or else by a process of its own, and watch it from here."""
    from relight.cli.following import Follower, follow_here, goes_live
    from relight.control.finding import short_name

    name = short_name(door.journal, begun.id)
    try:
        driver = background_driver(door, begun.id, begun.plan.site)
    except RelightError as error:
        error.hint = error.hint or f"the run is in the journal; `relight resume {name}` starts its driver"
        raise
    door.tell(line("Run ", Span(begun.id, "bold"), f" started; its driver is {driver}."))
    follower = Follower(
        door.journal, begun.id, stream=sys.stderr, live=goes_live(sys.stderr), journal_option=door.journal_option
    )
    if detach:
        follower.read()
        door.tell(f"Watch it with `relight watch {name}{door.journal_option}`.")
        code = 0
    else:
        code = follow_here(follower, until_decision=until_decision)
    _result(door, follower.whole_document(), follower)
    return code


def background_driver(door: Door, run: str, site: str, *, take_over: bool = False) -> str:
    """Hand the run to a serve that shares the journal, or start a driver of its own; return what to call the driver.

    Raises:
        RelightError: nobody drives it, and this is why.
    """
    from relight import bootstrap
    from relight.control import handing
    from relight.control.people import os_name

    if not take_over and (name := handing.taken_by(door.journal, run, site, by=f"cli of {os_name()}")):
        return f"serve {name}"
    try:
        return f"process {bootstrap.spawn(run, door.journal.location, take_over=take_over)}"
    except Locked:
        # A serve that was too busy a moment ago has it now.
        lease = door.journal.lease(run)
        if lease is None or not lease.alive:
            raise
        return f"serve {lease.driver}"


def _result(door: Door, document: dict[str, Any], follower: Any) -> None:
    """Write the result: a terminal that has just shown the view has seen it."""
    if door.for_people and follower.live and sys.stdout.isatty():
        return
    door.show(document, follower.lines)


def drive_here(door: Door, begun: "Run", *, take_over: bool = False) -> int:
    """Drive the run in this process; what happens goes to standard error, a line a fact."""
    from relight import bootstrap
    from relight.cli.following import Follower
    from relight.control.exits import exit_code

    follower = Follower(door.journal, begun.id, stream=sys.stderr, live=False)
    follower.read()
    signals: list[int] = []
    ended = bootstrap.drive(
        door.journal,
        begun.id,
        listeners=[lambda _run, _facts: follower.read()],
        take_over=take_over,
        stopped=signals.append,
    )
    follower.read()
    if ended.outcome is None:
        door.tell(f"This driver was told to stop; run {begun.id} waits for the next: relight resume {follower.name}")
    door.show(follower.whole_document(), follower.lines)
    return 128 + signals[0] if signals and ended.outcome is None else exit_code(ended)

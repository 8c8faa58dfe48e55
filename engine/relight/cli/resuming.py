"""The command that carries a run on: a paused one, or one whose driver is gone."""

import click

from relight.cli.deciding import REASON, put
from relight.cli.door import Door, with_door
from relight.control.finding import find_run
from relight.control.requests import Asking
from relight.errors import NotNow


@click.command()
@click.argument("run")
@REASON
@click.option("--take-over", is_flag=True, help="Even from a driver that is there but lost its lease.")
@click.option("--foreground", is_flag=True, help="Drive in this process, for scripts and tests.")
@with_door
def resume(door: Door, run: str, reason: str, take_over: bool, foreground: bool) -> int:
    """Carry on a paused run, or take over one whose driver is gone.

    RUN is the id or any unique beginning of it. Taking over repeats nothing on a guess:
    what the dead driver had in hand is settled by its probe, or by a person.
    """
    row = find_run(door.journal, run)
    if row.ended_at is not None:
        raise NotNow(f"run {row.run} is over: {row.state}", hint=f"`relight log {row.run}` tells its story")
    lease = door.journal.lease(row.run)
    driven = lease is not None and lease.alive
    if driven and not take_over and not foreground:
        put(door, run, Asking("resume", reason=reason))
        return 0
    from relight.control.history import load_run

    if foreground:
        from relight.cli.starting import drive_here

        return drive_here(door, load_run(door.journal, row.run), take_over=take_over)
    from relight.cli.starting import background_driver

    driver = background_driver(door, row.run, row.site, take_over=take_over)
    # Not by the state in the list: a pause that was decided while nobody drove may be behind a hold there.
    if load_run(door.journal, row.run).paused:
        door.tell(f"Run {row.run} is driven now, by {driver}.")
        put(door, run, Asking("resume", reason=reason))
        return 0
    lease = door.journal.lease(row.run)
    pid = lease.details.get("pid") if lease is not None else None
    document = {"schema": "relight.answer/v1", "run": row.run, "verb": "resume", "ok": True, "pid": pid}
    says = f"{driver} drives run {row.run} now"
    door.show({**document, "says": says}, lambda: [f"{says}; `relight watch {run}` shows it"])
    return 0

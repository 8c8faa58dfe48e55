"""What a run costs the people outside, as the board tells it."""

from __future__ import annotations

from typing import Any

from relight.drivers.live.budgets import GAP_MS_MAX, Spending
from relight.journal.port import Batch
from relight.kernel.plan import Stage, Step

MONTH_MS = 30 * 24 * 3_600_000


def surface(query: Any = None) -> dict[str, Any]:
    return {"objective": 99.9, "window_ms": MONTH_MS, "error_ratio": query}


def test_failures_add_up_to_lost_time() -> None:
    """Half of all requests failing for a minute is half a minute of the budget that the objective leaves."""
    spending = Spending(surface())
    for t in range(0, 65_000, 5_000):
        spending.add(0.5, t)
    assert (round(spending.budget_ms), spending.spent_ms) == (2_592_000, 30_000)


def test_what_nobody_saw_is_not_guessed() -> None:
    """After a gap, and where the clock stood still, nothing is added; figures that cannot be are bounded."""
    spending = Spending(surface(), spent_ms=1_000)
    for ratio, t in ((1.0, 0), (1.0, GAP_MS_MAX + 1), (1.0, GAP_MS_MAX + 1), (7.0, GAP_MS_MAX + 1_001)):
        spending.add(ratio, t)
    assert spending.spent_ms == 2_000


def test_a_driver_keeps_it_on_the_board_and_the_next_goes_on_from_there(bench: Any) -> None:
    """While the run goes on each surface is sampled; a takeover does not forget what it cost so far."""
    bench.world.metrics |= {"bad": 0.5, "good": 0.0}
    surfaces = {name: surface(bench.check(name).query) for name in ("bad", "good")}
    nap = Step(id="nap", kind="wait", duration_ms=60_000)
    bench.begin(bench.plan(Stage(id="s0", steps=(nap,)), surfaces=surfaces))
    hold = bench.journal.drive(bench.run_id, "d0", bench.clock.wall_ms() + 1, bench.clock.wall_ms(), details={})
    board = {"budgets": {"bad": {"spent_ms": 10_000, "budget_ms": 1, "at": 0}}}
    bench.journal.append([Batch(run=bench.run_id, epoch=hold.lease.epoch, first_seq=2, live=board)])
    hold.release()
    bench.run(bench.driver().drive())
    shown = bench.journal.live(bench.run_id)["budgets"]
    assert 35_000 <= shown["bad"]["spent_ms"] <= 40_000
    assert (shown["good"]["spent_ms"], shown["good"]["budget_ms"]) == (0, 2_592_000)


def test_a_driver_that_sees_no_figure_keeps_what_the_last_had_counted(bench: Any) -> None:
    """It may be gone before its first sample, and a report asks the board of the last."""
    surfaces = {"blind": surface(bench.check("nobody").query)}
    nap = Step(id="nap", kind="wait", duration_ms=20_000)
    bench.begin(bench.plan(Stage(id="s0", steps=(nap,)), surfaces=surfaces))
    hold = bench.journal.drive(bench.run_id, "d0", bench.clock.wall_ms() + 1, bench.clock.wall_ms(), details={})
    board = {"budgets": {"blind": {"spent_ms": 10_000, "budget_ms": 1, "at": 0}}}
    bench.journal.append([Batch(run=bench.run_id, epoch=hold.lease.epoch, first_seq=2, live=board)])
    hold.release()
    bench.run(bench.driver().drive())
    assert {"spent_ms": 10_000, "budget_ms": 1, "at": 0} == bench.journal.live(bench.run_id)["budgets"]["blind"]


def test_a_surface_without_data_shows_nothing(bench: Any) -> None:
    """A figure that cannot be read is no zero."""
    surfaces = {"blind": surface(bench.check("nobody").query)}
    nap = Step(id="nap", kind="wait", duration_ms=20_000)
    bench.begin(bench.plan(Stage(id="s0", steps=(nap,)), surfaces=surfaces))
    run = bench.run(bench.driver().drive())
    assert (run.outcome, bench.journal.live(bench.run_id)["budgets"]) == ("succeeded", {})

"""The driver of one run, on a virtual clock."""

from __future__ import annotations

from typing import Any


def test_a_run_is_driven_to_its_end(bench: Any) -> None:
    """Every step is dispatched once, its outcome and the next dispatch in one transaction, and the run ends."""
    run = bench.drive(bench.plan([bench.step("one"), bench.step("two"), bench.step("three")]))
    assert "succeeded" == run.outcome
    assert ["one", "two", "three"] == [call.args["name"] for call in bench.world.called("do")]
    assert "succeeded" == bench.journal.row("r1").state
    assert bench.journal.row("r1").ended_at is not None
    lease = bench.journal.lease("r1")
    assert not lease.alive

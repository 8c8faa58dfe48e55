"""A night with everything in it that can be drawn."""

from __future__ import annotations

import pytest

from relight.charts import Band, Limit, Moment, Sheet
from relight.sdk import Curve


@pytest.fixture
def sheet() -> Sheet:
    """Two minutes: errors that fall below their limit after half a minute, a gap in the backlog, one stage held."""
    times = range(0, 120_001, 500)
    return Sheet(
        title="mend <it> at lab",
        outcome="held",
        note="rehearsed, seed 7",
        bands=(
            Band(id="contain", from_ms=0, until_ms=6_000, outcome="succeeded"),
            Band(id="roll-back", from_ms=6_000, until_ms=60_000, outcome="succeeded", waits=((6_000, 36_000),)),
            Band(id="reopen", from_ms=60_000, until_ms=None, outcome="waits for people", waits=((90_000, None),)),
        ),
        moments=(
            Moment(t_ms=0, what="begins", stage="contain", step="throttle"),
            Moment(t_ms=6_000, what="is done", stage="contain"),
            Moment(t_ms=90_000, what="HELD", stage="reopen"),
        ),
        curves=(
            Curve(
                name="errors", title="errors", unit="share", points=[(t, 0.6 if t < 30_000 else 0.01) for t in times]
            ),
            Curve(
                name="depth",
                title="backlog",
                unit="count",
                points=[(t, None if 40_000 <= t < 80_000 else t / 60) for t in times],
            ),
            Curve(name="nothing", title="nothing", unit="per second", points=[(t, None) for t in times]),
        ),
        limits=(Limit(curve="errors", value=0.03, good="<"),),
        rows=(("time to recovery", "0:30"), ("turned away", "11,553")),
    )

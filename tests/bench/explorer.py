"""How fast the shipped runbooks are explored: states and transitions per second, and how large the process grew.

Run: python tests/bench/explorer.py
"""

import time

from idle import peak_mib

from relight import shipped
from relight.control.exploring import explore
from relight.runbook.stand_in import STARTER
from relight.sdk.registry import Registry

STATES_MAX = 40_000
GOAL_S = 60


def main() -> None:
    """Explore each shipped runbook and print its figures."""
    for name in shipped.runbook_names():
        began = time.process_time()
        found = explore(
            shipped.runbook(name), None, {}, starter=STARTER, registry=Registry(), states_max=STATES_MAX
        ).exploration
        assert found is not None, "shipped runbooks plan"
        took = time.process_time() - began
        print(
            f"{name}: {found.verdict}, {found.states} states, {found.transitions} transitions, {took:.1f} s of a core; "
            f"{found.states / took:.0f} states/s, {found.transitions / took:.0f} transitions/s, "
            f"{peak_mib():.0f} MiB (goal: under {GOAL_S} s)"
        )


if __name__ == "__main__":
    main()

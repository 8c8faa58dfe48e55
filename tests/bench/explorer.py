"""How fast the shipped runbooks are explored: states and transitions per second, and how large the process grew.

Run: python tests/bench/explorer.py
"""

import resource
import time

from relight import shipped
from relight.control.exploring import explore
from relight.runbook.stand_in import STARTER
from relight.sdk.registry import Registry

STATES_MAX = 200_000


def main() -> None:
    """Explore each shipped runbook and print its figures."""
    for name in shipped.runbook_names():
        began = time.process_time()
        found = explore(
            shipped.runbook(name), None, {}, starter=STARTER, registry=Registry(), states_max=STATES_MAX
        ).exploration
        assert found is not None, "shipped runbooks plan"
        took = time.process_time() - began
        largest_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{name}: {found.verdict}, {found.states} states, {found.transitions} transitions, {took:.1f} s of a core; "
            f"{found.states / took:.0f} states/s, {found.transitions / took:.0f} transitions/s, {largest_mb:.0f} MB"
        )


if __name__ == "__main__":
    main()

"""What an exploration leaves out, in sentences: whoever reads that a runbook is clean has to know of what.

What does not belong here: leaving anything out; each sentence names what ``moves``, ``canonical`` and ``apart`` do.
"""

from collections.abc import Iterator

from relight.kernel.plan import Plan


def bounds(plan: Plan, states_max: int, *, complete: bool) -> Iterator[str]:
    """Yield what was bounded; *complete*: no walk came to *states_max*."""
    yield f"each walk gives up at {states_max:,} states" + ("; none did" if complete else ", and one did")
    yield "people's pauses are tried at each state, have to lead back to it, and are not multiplied"
    yield (
        "an undo is walked through once for each kind of effect, and to both its plain ends for every effect and stage"
    )
    yield "what is legal besides, at the end of each row of the table, is tried there and not gone on from"
    if any(step.ramp is not None for stage in plan.stages for step in stage.steps):
        yield (
            "while a ramp falls no guard turns: it may when the ramp stands; "
            "a fall that failed twice fails until it is given up"
        )
    if plan.guards:
        yield "a guard without data holds a ramp that waits for it, and passes again before a person answers"
    if len(plan.guards) > 1:
        yield "of guards that ask for the same it counts how many are breached"
    yield (
        "protection-kept, nothing-left-behind and what expressions read are held against every way on which "
        "no ramp steps back, no guard is breached, and nobody aborts, undoes or skips a step"
    )
    if plan.solo is not None:
        yield "that a starter opens a gate alone by the site's solo rule is left out"

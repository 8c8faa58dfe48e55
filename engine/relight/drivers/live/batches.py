"""What is in one append: the facts as bytes, answers, samples, the list's row and what views are shown."""

from collections.abc import Sequence

from relight.drivers.drafting import Draft
from relight.journal.codec import encode
from relight.journal.port import Batch, Sample
from relight.kernel.facts import AnyFact, GateOpened, RampMoved, StageEntered, StepDispatched, StepPrepared


def batch_of(
    draft: Draft,
    *,
    epoch: int,
    first_seq: int,
    samples: Sequence[Sample] = (),
    live: dict[str, object] | None = None,
) -> Batch:
    """Return what is appended of a draft."""
    run, facts = draft.run, draft.facts
    return Batch(
        run=run.id,
        epoch=epoch,
        first_seq=first_seq,
        kinds_and_bodies=[encode(fact, run=run.id, seq=first_seq + i, epoch=epoch) for i, fact in enumerate(facts)],
        answers=draft.answers,
        samples=samples,
        state=run.state if facts else "",
        ended_at=run.ended_at if run.outcome is not None and facts else None,
        live=live,
        urgent=bool(facts) and not any(starts_something(fact) for fact in facts),
    )


def starts_something(fact: AnyFact) -> bool:
    """Whether something new begins with that fact; until then a driver may stop writing and go on later.

    Going to less exposure is no beginning in this sense: it is what a full disk's reserve is for.
    """
    match fact:
        case GateOpened() | StageEntered() | StepPrepared():
            return True
        case RampMoved(direction=direction):
            return direction == "up"
        case StepDispatched(purpose=purpose):
            return purpose == "forward"
        case _:
            return False

"""The exit code of a state: what a script learns from ``status`` without reading a word."""

from relight.kernel.state import Fanning, Run, StepState, Unknown

SUCCEEDED, FAILED, AT_A_GATE, ABORTED, HELD, UNKNOWN = 0, 1, 5, 6, 7, 8


def exit_code(run: Run, *, driven: bool = True) -> int:
    """Return the code of where *run* stands: 0 while it goes on by itself, which it does not if nobody drives it."""
    match run.state:
        case "succeeded":
            return SUCCEEDED
        case "failed":
            return FAILED
        case "aborted":
            return ABORTED
        case "held":
            return _held(run)
        case "paused":
            return HELD
        case "waiting":
            gate = run.ticket is not None and run.ticket.status == "waiting"
            return AT_A_GATE if gate else HELD
        case _:
            return SUCCEEDED if driven else HELD


def needs_decision(run: Run) -> bool:
    """Return whether nothing goes forward until a person decides, or the run is over."""
    return run.outcome is not None or run.state in {"held", "paused", "waiting"}


def _held(run: Run) -> int:
    if any(_is_unknown(record.state) for record in run.steps.values()):
        return UNKNOWN
    # A denial is a person's no, and the table has a word for it.
    return ABORTED if any(hold.code == "gate-denied" for hold in run.holds) else HELD


def _is_unknown(state: StepState) -> bool:
    return isinstance(state, Unknown) or (isinstance(state, Fanning) and "?" in state.status)

"""What is offered is taken, and what is not offered is refused, in words: held against any state of a run.

Each verb is tried on the state, and nothing of it is kept.
"""

from collections.abc import Iterator

from relight.errors import NotNow, NotPermitted
from relight.kernel.asking import ask
from relight.kernel.book import Book
from relight.kernel.choices import Choice, choices, seldom
from relight.kernel.state import Run
from relight.testing.players import ANYBODY, asked_for

ALONE = ("ask", "pause", "resume", "retry", "abort")
"""Verbs that may stand without a subject."""


def offers_are_true(run: Run, t: int) -> None:
    """Hold that the verbs on offer, and ``note``, are all that this state takes.

    Raises:
        AssertionError: one of them is refused by everybody, or one that is not among them is taken.
    """
    offered = {(choice.verb, choice.words) for choice in (*choices(run), *seldom(run))}
    for verb, words in (*sorted(offered), *sorted(set(_thinkable(run)) - offered)):
        answers = [_answer(run, verb, words, person, t) for person in ANYBODY]
        taken = any(answer == "" for answer in answers)
        if (verb, words) in offered:
            forbidden = all(answer.startswith("not permitted") for answer in answers)
            assert taken or forbidden, f"{verb} {words} is offered and refused: {answers}"
        elif (verb, words) != ("retry", "") or not any(verb == "retry" for verb, _ in offered):
            assert not taken, f"{verb} {words} is taken and was not offered: {sorted(offered)}"


def _thinkable(run: Run) -> Iterator[tuple[str, str]]:
    """Yield every verb with whatever it could be about."""
    steps, stages = list(run.plan_index), [stage.id for stage in run.plan.stages]
    yield from ((verb, "") for verb in ALONE)
    ticket = run.ticket.id if run.ticket is not None else "none/000"
    yield from (("approve", ticket), ("deny", ticket))
    yield from (("deny", opened) for opened in run.spent)
    for step in steps:
        yield from (("retry", step), ("skip", step), ("undo", step))
        yield from (("mark", f"{step} done"), ("mark", f"{step} not-done"))
    yield from (("ramp", value) for value in ("floor", "down", "stay", "up"))
    yield from (("undo", f"--to {stage}") for stage in stages)
    waives = run.current is not None and run.stage.phase != "approach"
    # A stage that is waived may be called by its own name as well as by its check's.
    yield from (("skip", stage) for stage in stages if not waives or run.current is None or stage != run.current.id)
    yield from (("skip", check) for check in run.plan.checks if check not in run.plan_index)


def _answer(run: Run, verb: str, words: str, person: str, t: int) -> str:
    choice = Choice(verb=verb, words=words, leads_to="", who="known", needs_reason=True)
    asked = asked_for(choice, at=run.at, t=t, person=person)
    book = Book(run, run.at, t)
    try:
        ask(book, asked)
    except (NotNow, NotPermitted) as refusal:
        assert len(refusal.message) > len(verb) and "\n" not in refusal.message, "a refusal is one clear sentence"
        return f"{'not permitted' if isinstance(refusal, NotPermitted) else 'not now'}: {refusal.message}"
    assert book.said, f"{verb} {words} was taken and nothing followed"
    return ""

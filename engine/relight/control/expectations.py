"""Whether a rehearsal ended as it should, and in words where it did not."""

from collections.abc import Iterator

from relight.control.scripting import Expected
from relight.control.wording import listed, span
from relight.drivers.rehearsal.driver import Rehearsed
from relight.drivers.rehearsal.moments import Moment
from relight.kernel.facts import GateOpened
from relight.kernel.state import Run


def unmet(expected: Expected, rehearsed: Rehearsed) -> list[str]:
    """Return what is not as it should be, a sentence each; none: all is."""
    return [
        *_ending(expected, rehearsed),
        *_effects(expected, rehearsed.run),
        *_steps(expected, rehearsed.run),
        *_people(expected, rehearsed),
        *_moments(expected, rehearsed),
        *_script(rehearsed),
    ]


def _ending(expected: Expected, rehearsed: Rehearsed) -> Iterator[str]:
    run = rehearsed.run
    codes = [hold.code for hold in run.holds]
    if expected.state is not None and run.state != expected.state:
        why = f" ({run.holds[0].code}: {run.holds[0].text})" if run.holds else ""
        yield f"the run should be {expected.state} and is {run.state}{why}"
    if expected.hold is not None and expected.hold not in codes:
        yield f"it should hold for {expected.hold} and holds for {listed(codes) or 'nothing'}"
    here = run.current.id if run.current is not None else ""
    if expected.stage is not None and here != expected.stage:
        yield f"it should stand in {expected.stage} and stands {f'in {here}' if here else 'at the end'}"
    if expected.within_ms is not None and rehearsed.duration_ms > expected.within_ms:
        yield f"it should take {span(expected.within_ms)} at most and takes {span(rehearsed.duration_ms)}"


def _effects(expected: Expected, run: Run) -> Iterator[str]:
    there = {entry.step: entry for entry in run.ledger.values()}
    if expected.in_force is not None and set(expected.in_force) != set(there):
        missing = [step for step in expected.in_force if step not in there]
        over = [step for step in there if step not in expected.in_force]
        parts = [f"{listed(missing)} should be"] if missing else []
        parts += [f"{listed(over)} should not be"] if over else []
        yield f"in force: {' and '.join(parts)}"
    for step, values in expected.values.items():
        value = there[step].value if step in there else {}
        for name, wanted in values.items():
            if value.get(name) != wanted:
                yield f"{step} should have {name}={wanted} in force and has {value.get(name, 'nothing')}"


def _steps(expected: Expected, run: Run) -> Iterator[str]:
    for word, steps in expected.words.items():
        for step in steps:
            is_now = _word(run, step)
            if is_now != word:
                yield f"step {step} should be {word} and is {is_now}"
    for name in expected.skipped:
        is_now = run.past.get(name) or _word(run, name)
        if is_now != "skipped":
            yield f"{name} should be skipped and is {is_now}"
    for step in expected.never:
        if step in run.steps:
            yield f"step {step} should never begin and is {_word(run, step)}"
    for step, times in expected.attempts.items():
        record = run.steps.get(step)
        tried = record.attempts if record is not None else 0
        if tried != times:
            yield f"step {step} should be tried {times} times and was tried {tried} times"


def _word(run: Run, step: str) -> str:
    record = run.steps.get(step)
    return record.word if record is not None else "pending"


def _people(expected: Expected, rehearsed: Rehearsed) -> Iterator[str]:
    asked = list(dict.fromkeys(moment.name for _, moment in rehearsed.story.happened if _is_asking(moment)))
    if expected.asked is not None and set(asked) != set(expected.asked):
        yield f"the gates that ask should be {listed(expected.asked) or 'none'} and are {listed(asked) or 'none'}"
    opened = {told.fact.stage: told.fact.approvers for told in rehearsed.told if isinstance(told.fact, GateOpened)}
    for stage, names in expected.approved_by.items():
        approvers = opened.get(stage, ())
        if not all(_among(rehearsed.run, name, approvers) for name in names):
            yield f"the gate of {stage} should be opened by {listed(names)} and is by {listed(approvers) or 'nobody'}"
    told = {moment.value for _, moment in rehearsed.story.happened if moment.word == "escalated"}
    for name in expected.told:
        if name not in told:
            yield f"{name} should be told and is not"


def _is_asking(moment: Moment) -> bool:
    return moment.kind == "gate" and moment.word == "asked"


def _among(run: Run, name: str, people: tuple[str, ...]) -> bool:
    """Return whether a person, the starter or the holder of a role is among *people*."""
    if name == "starter":
        return run.starter in people
    roles = {person.id: person.roles for person in run.people}
    return any(name == person or name in roles.get(person, ()) for person in people)


def _moments(expected: Expected, rehearsed: Rehearsed) -> Iterator[str]:
    happened = [moment for _, moment in rehearsed.story.happened]
    for check in expected.breached:
        if not any(Moment("check", check, "breached").meets(moment) for moment in happened):
            yield f"guard {check} should be breached and is not"
    at = 0
    for wanted in expected.happens:
        found = next((index for index in range(at, len(happened)) if wanted.meets(happened[index])), None)
        if found is None:
            earlier = any(wanted.meets(moment) for moment in happened)
            yield f"`{wanted}` should come{' after the one before it' if earlier else ''} and does not"
            break
        at = found + 1
    for wanted in expected.never_happens:
        if any(wanted.meets(moment) for moment in happened):
            yield f"`{wanted}` should never come and does"


def _script(rehearsed: Rehearsed) -> Iterator[str]:
    """Yield what the script says that did not come about so: a test that did not test is no test."""
    for text in rehearsed.unplayed:
        yield f"the script says `{text}`, and that never came about"
    for words in rehearsed.unrefused:
        yield f"`{words}` should be refused and is not"
    for refusal in rehearsed.refusals:
        if not refusal.expected:
            yield f"`{refusal.who}` was refused: {refusal.why}; say `refused: true` where that is meant"

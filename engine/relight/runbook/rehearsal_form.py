"""Whether a rehearsal is formed as rehearsals are; what it names is judged together with its runbook."""

from relight.runbook.complaints import Complaints
from relight.runbook.rehearsal_document import ProbeAnswers, Rehearsal, Spell
from relight.runbook.shorthand import write_out_rehearsal
from relight.runbook.validate import validate
from relight.runbook.yaml12 import Map


def is_other(tree: Map) -> bool:
    """Return whether a document is a runbook or a site."""
    return "rehearsal" not in tree and ("stages" in tree or "providers" in tree or "runbook" in tree or "site" in tree)


def judged_rehearsal(tree: Map, complaints: Complaints) -> Rehearsal | None:
    """Return the rehearsal that a document is, and complain of keys that do not go together."""
    rehearsal, whole = validate(Rehearsal, write_out_rehearsal(tree), complaints)
    if rehearsal is None or not whole:
        return rehearsal
    for answers in rehearsal.probes.values():
        for answer in answers:
            _value(answer, complaints)
    for spells in rehearsal.checks.values():
        for spell in spells:
            _value(spell, complaints)
            _ends_once(spell, complaints)
    return rehearsal


def _value(part: ProbeAnswers | Spell, complaints: Complaints) -> None:
    """Complain where a value is given that nobody reads, or none is given to be read."""
    given, reads = part.written("value"), part.is_ == "reads"
    if given and not reads:
        hint = "leave it out, or write `is: reads`"
        complaints.add("RL704", part.key_place("value"), "only what `reads` has a value", hint)
    if reads and not given:
        complaints.add("RL704", part.place("is"), "it reads nothing", "add the value: `value: 0.5`")


def _ends_once(spell: Spell, complaints: Complaints) -> None:
    if spell.until is not None and spell.for_ is not None:
        complaints.add("RL704", spell.key_place("for"), "`until` and `for` both say when it ends", "keep one of them")
    if spell.written("every") and spell.is_ != "flaps":
        complaints.add("RL704", spell.key_place("every"), "only what `flaps` has a length", "leave it out")
    if spell.every == 0:
        complaints.add("RL704", spell.key_place("every"), "it cannot flap in no time", "write `every: 10s`")

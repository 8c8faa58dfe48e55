"""Rehearsals as documents: read, and found beside their runbook."""

from pathlib import Path

from relight.runbook.complaints import Complaints
from relight.runbook.reading import Read
from relight.runbook.rehearsal_document import ProbeAnswers, Rehearsal, Spell
from relight.runbook.shorthand import write_out_rehearsal
from relight.runbook.source import Source, source_from_file
from relight.runbook.validate import validate
from relight.runbook.yaml12 import Map, read_yaml

FOLDER = "rehearsals"
"""Where they are, beside the runbook."""
REHEARSALS_MAX = 500
"""Cases of one runbook; more take longer than a person waits for tests."""


def rehearsals_beside(runbook: Path) -> list[Path]:
    """Return the rehearsals of a runbook, by name."""
    try:
        return sorted((runbook.parent / FOLDER).glob("*.yaml"))[:REHEARSALS_MAX]
    except OSError:
        return []


def runbook_beside(rehearsal: Path) -> Path | None:
    """Return the only runbook beside a rehearsal's folder, None where there is none or more than one."""
    found = list(rehearsal.resolve().parent.parent.glob("*.runbook.yaml"))
    return found[0] if len(found) == 1 else None


def read_rehearsal(origin: str | Path | Source) -> Read[Rehearsal]:
    """Read a rehearsal and judge its form; what it names is judged together with its runbook."""
    complaints = Complaints(origin if isinstance(origin, Source) else source_from_file(origin))
    tree = read_yaml(complaints)
    if tree is None:
        return Read(None, complaints)
    if is_other(tree):
        hint = "begin it with `rehearsal: NAME`; `relight schema rehearsal` says what it may hold"
        complaints.add("RL208", tree.mark, "this is no rehearsal", hint)
        return Read(None, complaints)
    return Read(judged_rehearsal(tree, complaints), complaints)


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

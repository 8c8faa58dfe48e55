"""Rehearsals as documents: read, and found beside their runbook."""

from pathlib import Path

from relight.runbook.complaints import Complaints
from relight.runbook.reading import Read
from relight.runbook.rehearsal_document import Rehearsal
from relight.runbook.rehearsal_form import is_other, judged_rehearsal
from relight.runbook.source import Source, source_from_file
from relight.runbook.yaml12 import read_yaml

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

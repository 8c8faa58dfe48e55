"""Whether a recorded run is still what was written down: its chain, and what readers believe without folding it."""

from collections.abc import Sequence
from typing import Any

from relight.journal.chain import Checkpoint, Finding
from relight.journal.chain import verify as verify_chain
from relight.journal.port import Journal
from relight.journal.snapshot import disagreement


def verify_document(journal: Journal, run: str, noted: Sequence[Checkpoint] = ()) -> dict[str, Any]:
    """Return ``relight.verify/v1``.

    Args:
        noted: Hashes of that run that were noted elsewhere; without one, what was cut off the end does not show.
    """
    verified = verify_chain(run, journal.records(run), list(noted))
    finding = verified.finding
    if finding is None and (said := disagreement(journal, run)):
        finding = Finding(seq=verified.sound, change="untrue", text=said)
    return {
        "schema": "relight.verify/v1",
        "run": run,
        "ok": finding is None,
        "sound": verified.sound,
        "head": verified.hash,
        "finding": None if finding is None else {"seq": finding.seq, "change": finding.change, "text": finding.text},
    }

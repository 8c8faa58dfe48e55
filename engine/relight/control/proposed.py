"""What alerts have proposed and nobody has begun yet, for whoever reads the journal on the host."""

from typing import Any

from relight.control.wording import now_ms
from relight.journal.port import Journal

SHELF = "proposals"


def open_proposals(journal: Journal) -> list[dict[str, Any]]:
    """Return what waits for somebody to begin it, the oldest first."""
    return [kept.body for kept in journal.kept(SHELF, now_ms()) if kept.body["state"] == "proposed"]

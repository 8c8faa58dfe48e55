"""A run as a status document with everything beside it: its lease, what the driver shows, its samples."""

from typing import TYPE_CHECKING, Any

from relight.control.finding import short_name
from relight.control.history import load_run
from relight.control.people import os_name, person_at
from relight.control.status import status_document
from relight.control.wording import now_ms

if TYPE_CHECKING:
    from relight.journal.port import Journal
    from relight.kernel.state import Run

SAMPLES_MAX = 400
"""The newest samples that curves are drawn from: a dozen checks for two minutes at the usual interval."""


def document_of(journal: "Journal", run: "Run", *, name: str = "", samples: bool = True) -> dict[str, Any]:
    """Return the status document of *run* as it is now; commands in it call the run *name*."""
    return status_document(
        run,
        lease=journal.lease(run.id),
        live=journal.live(run.id),
        samples=journal.samples(run.id, last=SAMPLES_MAX) if samples else (),
        name=name or run.id,
        at=now_ms(),
    )


class Reader:
    """One run, read once, for the commands that say something about it."""

    def __init__(self, journal: "Journal", run_id: str, *, for_people: bool) -> None:
        self.journal = journal
        self.run = load_run(journal, run_id)
        # People read names aloud; programs keep them, so they get the one that stays unique.
        self.name = short_name(journal, run_id) if for_people else run_id

    @property
    def viewer(self) -> str:
        """Who reads, as the run's site knows them."""
        return person_at("os", os_name(), self.run.people)

    def document(self) -> dict[str, Any]:
        """Return the status document."""
        return document_of(self.journal, self.run, name=self.name)

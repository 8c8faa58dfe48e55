"""One run, read once, for the commands that say something about it."""

from typing import TYPE_CHECKING, Any

from relight.control.finding import short_name
from relight.control.history import load_run
from relight.control.people import os_name, person_at
from relight.control.results import with_results
from relight.control.showing import document_of

if TYPE_CHECKING:
    from relight.journal.port import Journal


class Reader:
    """One run, read once, for the commands that say something about it."""

    def __init__(self, journal: "Journal", run_id: str, *, for_people: bool) -> None:
        self.journal = journal
        self._for_people = for_people
        self.run = load_run(journal, run_id)
        # People read names aloud; programs keep them, so they get the one that stays unique.
        self.name = short_name(journal, run_id) if for_people else run_id

    @property
    def viewer(self) -> str:
        """Who reads, as the run's site knows them."""
        return person_at("os", os_name(), self.run.people)

    def document(self) -> dict[str, Any]:
        """Return the status document; programs get what every step gave."""
        document = document_of(self.journal, self.run, name=self.name)
        return document if self._for_people else with_results(document, self.journal)

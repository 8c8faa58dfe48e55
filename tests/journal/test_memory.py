"""The journal in memory passes the suite that judges every journal."""

from pathlib import Path

from relight.journal.memory import MemoryJournal, MemoryStore
from relight.testing.journals import JournalConformance


class TestMemory(JournalConformance):
    """Handles of one folder share a store."""

    def open(self, place: Path) -> MemoryJournal:
        """Return another handle of the store that stands for *place*."""
        stores = self.__dict__.setdefault("stores", {})
        return MemoryJournal(stores.setdefault(place, MemoryStore()))

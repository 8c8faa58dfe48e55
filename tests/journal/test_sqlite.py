"""The embedded journal passes the suite that judges every journal."""

from pathlib import Path

from relight.journal.sqlite import SqliteJournal
from relight.testing.journals import JournalConformance


class TestSqlite(JournalConformance):
    """Each handle has connections of its own, as another process would."""

    def open(self, place: Path) -> SqliteJournal:
        """Return another handle of the file in *place*."""
        return SqliteJournal(place / "journal.db")

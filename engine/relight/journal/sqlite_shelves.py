"""What doors keep beside the runs of the embedded journal."""

import apsw

from relight.journal import refusals
from relight.journal.port import Kept


def keep_on_shelf(connection: apsw.Connection, thing: Kept, *, only_new: bool) -> bool:
    """Put *thing* on its shelf, clearing away there what is over; return whether it is there now.

    Raises:
        JournalError: the shelf is full, or the thing is too large.
    """
    connection.execute("DELETE FROM shelves WHERE shelf = ? AND until <= ?", (thing.shelf, thing.at))
    known = any(connection.execute("SELECT 1 FROM shelves WHERE shelf = ? AND name = ?", (thing.shelf, thing.name)))
    counted = connection.execute("SELECT count(*) FROM shelves WHERE shelf = ?", (thing.shelf,))
    body = refusals.checked_thing(thing, int(str(next(iter(counted))[0])), known=known)
    if only_new and known:
        return False
    connection.execute(
        "INSERT OR REPLACE INTO shelves (shelf, name, at, until, body) VALUES (?, ?, ?, ?, ?)",
        (thing.shelf, thing.name, thing.at, thing.until, body),
    )
    return True

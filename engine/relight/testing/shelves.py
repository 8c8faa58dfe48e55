"""The part of the conformance suite for journals that is about shelves: what doors keep beside the runs."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from relight.errors import JournalError
from relight.journal.port import KEPT_BYTES_MAX, Journal, Kept

AT = 1_800_000_000_000


def thing(name: str, *, shelf: str = "serves", at: int = AT, until: int | None = None, says: str = "") -> Kept:
    """Return something to keep."""
    return Kept(shelf=shelf, name=name, at=at, until=until, body={"says": says})


class ShelfConformance:
    """What every journal does with what doors keep; :class:`~relight.testing.journals.JournalConformance` opens one."""

    def handle(self, place: Path) -> Journal:
        """Return a handle of the journal at *place* that is closed when the test ends."""
        raise NotImplementedError

    def test_a_kept_thing_is_seen_by_everybody(self, tmp_path: Path) -> None:
        """What one process keeps another one finds, oldest first, each shelf by itself."""
        journal = self.handle(tmp_path)
        assert journal.kept("serves", AT) == []
        for kept in (thing("b", at=AT + 1), thing("a", says="hello"), thing("c", shelf="alerts")):
            assert journal.keep(kept)
        assert self.handle(tmp_path).kept("serves", AT) == [thing("a", says="hello"), thing("b", at=AT + 1)]

    def test_a_kept_thing_is_replaced_by_its_name(self, tmp_path: Path) -> None:
        """The same name again replaces it; with *only_new* the first one stays, and the second is told."""
        journal = self.handle(tmp_path)
        assert journal.keep(thing("a", says="one"))
        assert journal.keep(thing("a", says="two"))
        assert not journal.keep(thing("a", says="three"), only_new=True)
        assert journal.kept("serves", AT) == [thing("a", says="two")]

    def test_a_kept_thing_lasts_until_its_time(self, tmp_path: Path) -> None:
        """After its time it is as if it were not there, and its name is free."""
        journal = self.handle(tmp_path)
        journal.keep(thing("a", until=AT + 10))
        assert [kept.name for kept in journal.kept("serves", AT + 9)] == ["a"]
        assert journal.kept("serves", AT + 10) == []
        assert journal.keep(thing("a", at=AT + 10, says="again"), only_new=True)
        assert [kept.body for kept in journal.kept("serves", AT + 10)] == [{"says": "again"}]

    def test_a_kept_thing_is_handed_out_once(self, tmp_path: Path) -> None:
        """Of several that reach for a name, or for the thing, one gets it."""
        journals = [self.handle(tmp_path) for _ in range(4)]
        one = [False, False, False, True]
        assert sorted(_at_once([partial(j.keep, thing("a"), only_new=True) for j in journals])) == one
        assert sorted(_at_once([partial(j.let_go, "serves", "a") for j in journals])) == one

    def test_a_kept_thing_has_a_largest_size(self, tmp_path: Path) -> None:
        """What is too large is refused, and nothing is there."""
        journal = self.handle(tmp_path)
        try:
            journal.keep(thing("a", says="x" * KEPT_BYTES_MAX))
        except JournalError as error:
            assert "more than one holds" in error.message
        else:
            raise AssertionError("it was kept")
        assert journal.kept("serves", AT) == []


def _at_once(calls: Sequence[Callable[[], bool]]) -> list[bool]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [begun.result() for begun in [pool.submit(call) for call in calls]]

"""The small machines inside the parts: slots, admission, sessions, the backlog, caches and the breaker."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight_practice.dice import dice
from relight_practice.parts.admission import Admission, Throttle
from relight_practice.parts.fallback import Breaker
from relight_practice.parts.pages import PageCache, shard
from relight_practice.parts.quarantine import Sessions
from relight_practice.parts.queue import Backlog, Item
from relight_practice.parts.sessions import Corrupt, fresh, merge, salvage, seal, spoil, unseal, verifies, visited
from relight_practice.parts.slots import Slots

# ---- slots


def test_capacity_is_exact_whatever_the_order_of_arrivals() -> None:
    """Three slots of a quarter second do twelve pieces of work a second, and refuse what would wait too long."""
    slots = Slots(3, 0.25)
    done = [slots.book(0.0, patience_s=0.5) for _ in range(20)]
    assert [0.25] * 3 + [0.5] * 3 + [0.75] * 3 == done[:9]
    assert [None] * 11 == done[9:]
    assert slots.book(0.5, patience_s=0.5) == 0.5


def test_late_arrivals_lose_no_capacity() -> None:
    """Work that arrives in a bunch after a stall is booked as if the slots had been free all the time."""
    slots = Slots(2, 0.1)
    assert slots.book(10.0, 0.0) == pytest.approx(0.1)
    assert slots.wait_s(10.0) == 0.0


# ---- admission


def admitted(admission: Admission, asks: int, *, rate: float) -> int:
    """Return how many of *asks*, *rate* a second, get in."""
    return sum(admission.refuse(1_000.0 + number / rate) is None for number in range(asks))


def test_a_share_is_admitted() -> None:
    """One in ten, by dice."""
    admission = Admission(dice(1, "edge"))
    admission.set(Throttle(percent=10), 1_000.0)
    assert 900 <= admitted(admission, 10_000, rate=1_000) <= 1_100


def test_a_storm_changes_nothing_about_the_rate() -> None:
    """Refused requests do not count: eight a second get in, whether a hundred ask or a thousand."""
    for asked in (100, 1_000):
        admission = Admission(dice(1, "edge"))
        admission.set(Throttle(max_rate=8), 1_000.0)
        assert 78 <= admitted(admission, asked * 10, rate=asked) <= 84


def test_a_new_rate_begins_without_a_burst() -> None:
    """What was not used before the throttle does not let a crowd through after it."""
    admission = Admission(dice(1, "edge"))
    admission.refuse(1_000.0)
    admission.set(Throttle(max_rate=8), 2_000.0)
    assert [admission.refuse(2_000.0) for _ in range(3)] == ["rate"] * 3


def test_nothing_is_admitted_at_zero_and_all_without_limits() -> None:
    """The two ends are exact."""
    admission = Admission(dice(1, "edge"))
    assert admitted(admission, 1_000, rate=1_000) == 1_000
    admission.set(Throttle(percent=0), 1_000.0)
    assert admitted(admission, 1_000, rate=1_000) == 0


def test_retry_after_is_jittered() -> None:
    """Clients that are told the same moment come back at the same moment."""
    admission = Admission(dice(1, "edge"), Throttle(retry_after=(30, 90)))
    told = {admission.retry_after_s() for _ in range(1_000)}
    assert min(told) >= 30
    assert max(told) <= 90
    assert len(told) > 50


# ---- sessions


@given(user=st.text(max_size=30), entries=st.lists(st.text(max_size=20), max_size=8))
def test_a_session_survives_the_store(user: str, entries: list[str]) -> None:
    """What was sealed can be unsealed; what was spoiled cannot, but most of it can be salvaged."""
    session = fresh(user)
    for entry in entries:
        session = visited(session, entry)
    assert unseal(seal(session)) == session
    session = visited(session, "the newest")
    spoiled = spoil(session, cut=False)
    assert not verifies(spoiled)
    assert salvage(spoiled) == session
    with pytest.raises(Corrupt):
        unseal(spoil(session, cut=True))
    assert salvage(spoil(session, cut=True)) is None


@pytest.mark.parametrize("raw", [b"", b"v1", b"v2:00000000:{}", b"v1:zz:{}", b"v1:00000000:[1]", b"\xff\xfe"])
def test_anything_else_is_corrupt(raw: bytes) -> None:
    """Nothing that is not a session is taken for one, and nothing raises but Corrupt."""
    with pytest.raises(Corrupt):
        unseal(raw)
    assert salvage(raw) is None


def some_sessions() -> Sessions:
    """Ten good ones, three that can be mended and one that cannot."""
    sessions = Sessions()
    for number in range(10):
        sessions.put(f"good{number}", seal(fresh(f"good{number}")), 100.0)
    for number in range(3):
        sessions.put(f"bad{number}", spoil(visited(fresh(f"bad{number}"), "kept"), cut=False), 100.0)
    sessions.put("lost", spoil(visited(fresh("lost"), "gone"), cut=True), 100.0)
    return sessions


def test_quarantine_moves_only_corrupt_sessions_and_as_many_as_it_may() -> None:
    """A batch is a batch, and good sessions are never touched."""
    sessions = some_sessions()
    assert sessions.set_aside(3) == 3
    assert (len(sessions.live), len(sessions.corrupt), len(sessions.quarantined)) == (11, 1, 3)
    assert sessions.set_aside(3) == 1
    assert sessions.set_aside(3) == 0
    assert all(sessions.get(f"good{number}") is not None for number in range(10))


def test_everything_comes_back_as_it_was() -> None:
    """Undoing a quarantine puts every byte and the rest of its life back."""
    sessions = some_sessions()
    before = {user: raw for user, (raw, _) in sessions.live.items()}
    sessions.set_aside(10)
    assert sessions.bring_back(valid_only=False, after=0, limit=100) == (4, 0)
    assert {user: raw for user, (raw, _) in sessions.live.items()} == before
    assert all(until > 0 for _, until in sessions.live.values())


def test_a_newer_session_is_never_overwritten() -> None:
    """Who has signed in again since keeps what they have; the old one waits in quarantine."""
    sessions = some_sessions()
    sessions.set_aside(10)
    sessions.put("bad0", seal(visited(fresh("bad0"), "new")), 100.0)
    assert sessions.bring_back(valid_only=False, after=0, limit=100) == (3, 1)
    assert unseal(sessions.get("bad0") or b"")["history"] == ["new"]


def test_history_survives() -> None:
    """What can be mended comes back, before what was added since; what cannot stays in quarantine."""
    sessions = some_sessions()
    sessions.set_aside(10)
    sessions.put("bad0", seal(visited(fresh("bad0"), "new")), 100.0)
    assert sessions.bring_back(valid_only=True, after=0, limit=100) == (3, 1)
    assert unseal(sessions.get("bad0") or b"")["history"] == ["kept", "new"]
    assert unseal(sessions.get("bad1") or b"")["history"] == ["kept"]
    assert sessions.get("lost") is None
    assert [kept.user for kept in sessions.quarantined] == ["lost"]


def test_bringing_back_by_portions_is_the_same() -> None:
    """Portions of one give what one portion of all gives."""
    sessions = some_sessions()
    sessions.set_aside(10)
    place, restored = 0, 0
    for _ in range(4):
        count, place = sessions.bring_back(valid_only=True, after=place, limit=1)
        restored += count
    assert (restored, [kept.user for kept in sessions.quarantined]) == (3, ["lost"])


def test_a_session_ends() -> None:
    """After its time a session is not there, and not counted as corrupt."""
    sessions = Sessions()
    sessions.put("late", spoil(visited(fresh("late"), "x"), cut=False), -1.0)
    assert sessions.get("late") is None
    assert not sessions.corrupt


def test_merging_keeps_the_order() -> None:
    """The older history goes first, and only so many entries are kept."""
    older, newer = visited(fresh("a"), "1"), visited(visited(fresh("a"), "2"), "3")
    assert merge(older, newer)["history"] == ["1", "2", "3"]


# ---- the backlog


def test_history_is_never_set_aside() -> None:
    """Only what may grow stale is."""
    backlog = Backlog(window=20, failures_max=4)
    backlog.items.extend([Item("history", "a", 0.0), Item("greeting", "a", 0.0), Item("greeting", "b", 99.0)])
    assert [(item.kind, item.user) for item in backlog.take(10, 100.0, stale_s=60.0)] == [
        ("history", "a"),
        ("greeting", "b"),
    ]
    assert [item.user for item in backlog.set_aside] == ["a"]


def test_jobs_that_fail_go_to_the_back_and_open_the_breaker() -> None:
    """Nothing is lost; after four failures the release stops."""
    backlog = Backlog(window=20, failures_max=4)
    backlog.items.extend(Item("history", f"u{number}", 0.0) for number in range(6))
    first = backlog.take(3, 1.0, None)
    assert not backlog.settle(first, {0, 1, 2})
    assert backlog.settle(backlog.take(3, 1.0, None), {1})
    assert sorted(item.user for item in backlog.items) == ["u0", "u1", "u2", "u4"]
    assert backlog.oldest_s(5.0) == 5.0


# ---- pages


def test_a_new_node_takes_pages_from_the_others_and_moves_none_between_them() -> None:
    """Every page is either where it was or on the new node."""
    three, four = ("node-1", "node-2", "node-3"), ("node-1", "node-2", "node-3", "node-4")
    before, after = ([shard(page, nodes) for page in range(400)] for nodes in (three, four))
    moved = {new for old, new in zip(before, after, strict=True) if old != new}
    assert moved == {"node-4"}
    assert all(60 <= after.count(node) <= 140 for node in four)


def test_a_cache_forgets_the_least_recent_and_outlives_its_process(tmp_path: Path) -> None:
    """It holds so many pages, and the next release finds them on disk."""
    cache = PageCache(3, tmp_path / "cache.json")
    for page in range(3):
        cache.put(page, f"page {page}")
    assert cache.get(0) == "page 0"
    cache.put(3, "page 3")
    assert cache.get(1) is None
    cache.save()
    again = PageCache(3, tmp_path / "cache.json")
    assert [again.peek(page) for page in range(4)] == ["page 0", None, "page 2", "page 3"]
    again.put(4, "page 4")
    assert again.peek(2) is None


# ---- the breaker


def test_the_breaker_opens_tries_and_closes() -> None:
    """Too many errors open it; after two seconds one answer decides."""
    breaker = Breaker(0.2)
    for number in range(40):
        breaker.note(number / 40, ok=number % 2 == 0)
    assert breaker.state(1.0) == "open"
    assert breaker.state(3.5) == "half-open"
    breaker.note(3.5, ok=False)
    assert breaker.state(4.0) == "open"
    breaker.note(6.0, ok=True)
    assert breaker.state(6.0) == "closed"


def test_few_answers_say_nothing() -> None:
    """One error in one answer is not a broken pool."""
    breaker = Breaker(0.2)
    for number in range(19):
        breaker.note(number / 100, ok=False)
    assert breaker.state(0.2) == "closed"

"""A journal that lasts as long as the process: for rehearsals, explorations and tests.

Several handles of one store stand for several processes; closing a handle is the death of whatever it drove.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any

from relight.journal import refusals
from relight.journal.chain import link
from relight.journal.port import (
    BLOB_BYTES_MAX,
    GENESIS,
    SAMPLES_MAX,
    Answer,
    Batch,
    Kept,
    Lease,
    Record,
    Request,
    Row,
    Sample,
    Snapshot,
)


@dataclass(slots=True)
class _Run:
    row: Row
    locks: tuple[str, ...]
    records: list[Record] = field(default_factory=list)
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=SAMPLES_MAX))
    live: dict[str, Any] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    lease: Lease | None = None
    driven_by: "MemoryJournal | None" = None


@dataclass(slots=True)
class MemoryStore:
    """What several handles share."""

    runs: dict[str, _Run] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    shelves: dict[str, dict[str, Kept]] = field(default_factory=dict)
    writes: int = 0
    lock: RLock = field(default_factory=RLock)


class MemoryJournal:
    """One process's handle of a store in memory."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store if store is not None else MemoryStore()
        self._own_writes = 0
        self._closed = False

    @property
    def location(self) -> str:
        """How a person names it."""
        return "memory:"

    def create(
        self,
        row: Row,
        first: Sequence[tuple[str, bytes]],
        *,
        locks: Sequence[str] = (),
        once: Sequence[Kept] = (),
    ) -> None:
        """Begin a run; see the port."""
        refusals.checked_run(row.run)
        with self.store.lock:
            if row.run in self.store.runs:
                raise refusals.run_exists(row.run)
            if too_large := refusals.too_large(first):
                raise too_large
            for other in self.store.runs.values():
                if other.row.ended_at is None and (taken := set(locks) & set(other.locks)):
                    raise refusals.lock_taken(min(taken), other.row.run, other.row.runbook)
            for thing in once:
                if thing.name in self._shelf(thing.shelf):
                    raise refusals.taken(thing)
            for thing in once:
                self.keep(thing)
            run = self.store.runs[row.run] = _Run(row=row, locks=tuple(locks))
            self._add(run, 0, first)
            self._wrote()

    def append(self, batches: Sequence[Batch]) -> list[Exception | None]:
        """Append; see the port."""
        with self.store.lock:
            outcomes: list[Exception | None] = []
            for batch in batches:
                refusal = self._refusal(batch)
                if refusal is None:
                    self._apply(batch)
                outcomes.append(refusal)
            return outcomes

    def _refusal(self, batch: Batch) -> Exception | None:
        run = self.store.runs.get(batch.run)
        if run is None:
            return refusals.no_run(batch.run, self.location)
        epoch = run.lease.epoch if run.lease and run.driven_by else None
        if stale := refusals.stale(batch, epoch, len(run.records)):
            return stale
        for answer in batch.answers:
            request = self.store.requests.get(answer.request)
            if request is None or request.run != batch.run or answer.request in self.store.answers:
                return refusals.not_asked(answer.request)
        return refusals.too_large(batch.kinds_and_bodies)

    def _apply(self, batch: Batch) -> None:
        run = self.store.runs[batch.run]
        self._add(run, batch.epoch, batch.kinds_and_bodies)
        if (body := batch.snapshot) is not None:
            prev = run.records[-1].hash
            run.snapshot = Snapshot(run=batch.run, seq=len(run.records), body=body, prev=prev, hash=link(prev, body))
        for answer in batch.answers:
            self.store.answers[answer.request] = answer
        run.samples.extend(batch.samples)
        if batch.live is not None:
            run.live = json.loads(json.dumps(batch.live))
        if batch.state:
            run.row = replace(run.row, state=batch.state)
        if batch.ended_at is not None:
            run.row = replace(run.row, ended_at=batch.ended_at)
        self._wrote()

    def _add(self, run: _Run, epoch: int, kinds_and_bodies: Sequence[tuple[str, bytes]]) -> None:
        for kind, body in kinds_and_bodies:
            seq = len(run.records) + 1
            prev = run.records[-1].hash if run.records else GENESIS
            record = Record(
                run=run.row.run, seq=seq, epoch=epoch, kind=kind, body=body, prev=prev, hash=link(prev, body)
            )
            run.records.append(record)
        run.row = replace(run.row, seq=len(run.records))

    def _wrote(self) -> None:
        self.store.writes += 1
        self._own_writes += 1

    def records(self, run: str, after: int = 0, *, kinds: Sequence[str] = ()) -> Iterator[Record]:
        """Yield records; see the port."""
        with self.store.lock:  # a batch is whole for those who read, or not there yet
            known = self.store.runs.get(run)
            there = known.records[after:] if known else []
        for record in there:
            if not kinds or record.kind in kinds:
                yield record

    def row(self, run: str) -> Row | None:
        """Return the list's row of that run."""
        known = self.store.runs.get(run)
        return known.row if known else None

    def rows(self, *, unfinished: bool = False, limit: int = 100) -> list[Row]:
        """Return runs, newest first."""
        rows = [run.row for run in reversed(self.store.runs.values()) if not unfinished or run.row.ended_at is None]
        return sorted(rows, key=lambda row: -row.started_at)[:limit]

    def find(self, prefix: str) -> list[str]:
        """Return the ids of runs that start with *prefix*, newest first."""
        return [row.run for row in self.rows(limit=len(self.store.runs)) if row.run.startswith(prefix)]

    def drive(
        self,
        run: str,
        driver: str,
        until: int,
        now: int,
        *,
        take_over: bool = False,
        details: dict[str, Any] | None = None,
    ) -> "MemoryHold":
        """Take the run's lease; see the port."""
        with self.store.lock:
            known = self._known(run)
            lease = self.lease(run)
            if lease and lease.alive and not (take_over and lease.until < now):
                raise refusals.driven(lease, now)
            known.lease = Lease(
                run=run,
                epoch=(lease.epoch if lease else 0) + 1,
                driver=driver,
                until=until,
                alive=True,
                details=dict(details or {}),
            )
            known.driven_by = self
            self._wrote()
            return MemoryHold(self, known.lease)

    def lease(self, run: str) -> Lease | None:
        """Return who drives it, or did last."""
        known = self.store.runs.get(run)
        if known is None or known.lease is None:
            return None
        alive = known.driven_by is not None and not known.driven_by._closed  # noqa: SLF001 - another of its kind
        return replace(known.lease, alive=alive)

    def _known(self, run: str) -> _Run:
        known = self.store.runs.get(run)
        if known is None:
            raise refusals.no_run(run, self.location)
        return known

    def ask(self, request: Request, *, urgent: bool = False) -> None:
        """Put a request in the run's inbox; see the port."""
        with self.store.lock:
            self._known(request.run)
            body = refusals.checked_request(request, len(self.pending(request.run)), urgent=urgent)
            if request.id in self.store.requests:
                raise refusals.asked_before(request.id)
            self.store.requests[request.id] = replace(request, body=json.loads(body))
            self._wrote()

    def pending(self, run: str) -> list[Request]:
        """Return the unanswered requests in order."""
        requests = list(self.store.requests.values())
        return [request for request in requests if request.run == run and request.id not in self.store.answers]

    def answer(self, request: str) -> Answer | None:
        """Return the answer to a request, None while there is none."""
        return self.store.answers.get(request)

    def changes(self) -> int:
        """Return a number that differs after another handle wrote."""
        return self.store.writes - self._own_writes

    def samples(self, run: str, *, check: str = "", last: int = 100) -> list[Sample]:
        """Return the newest samples, oldest first."""
        known = self.store.runs.get(run)
        kept = [sample for sample in list(known.samples) if not check or sample.check == check] if known else []
        return kept[max(0, len(kept) - last) :]

    def live(self, run: str) -> dict[str, Any]:
        """Return what the driver last put there for views."""
        known = self.store.runs.get(run)
        return dict(known.live) if known else {}

    def snapshot(self, run: str) -> Snapshot | None:
        """Return the last snapshot; see the port."""
        known = self.store.runs.get(run)
        return known.snapshot if known else None

    def put_blob(self, content: bytes) -> str:
        """Keep a blob; see the port."""
        if len(content) > BLOB_BYTES_MAX:
            raise refusals.blob_too_large(len(content))
        digest = hashlib.sha256(content).hexdigest()
        self.store.blobs[digest] = content
        return digest

    def blob(self, digest: str) -> bytes | None:
        """Return a blob."""
        return self.store.blobs.get(digest)

    def keep(self, thing: Kept, *, only_new: bool = False) -> bool:
        """Put a thing on its shelf; see the port."""
        with self.store.lock:
            there = {name: old for name, old in self._shelf(thing.shelf).items() if _lasts(old, thing.at)}
            self.store.shelves[thing.shelf] = there
            body = refusals.checked_thing(thing, len(there), known=thing.name in there)
            if only_new and thing.name in there:
                return False
            there[thing.name] = replace(thing, body=json.loads(body))
            self._wrote()
            return True

    def kept(self, shelf: str, now: int) -> list[Kept]:
        """Return what is on a shelf; see the port."""
        with self.store.lock:
            there = [thing for thing in self._shelf(shelf).values() if _lasts(thing, now)]
        return sorted(there, key=lambda thing: (thing.at, thing.name))

    def let_go(self, shelf: str, name: str) -> bool:
        """Take a thing from its shelf; see the port."""
        with self.store.lock:
            self._wrote()
            return self._shelf(shelf).pop(name, None) is not None

    def _shelf(self, shelf: str) -> dict[str, Kept]:
        return self.store.shelves.setdefault(shelf, {})

    def close(self) -> None:
        """Let go of it; what it drove has no driver any more."""
        self._closed = True


class MemoryHold:
    """The right to drive a run in memory."""

    def __init__(self, journal: MemoryJournal, lease: Lease) -> None:
        self._journal = journal
        self._lease = lease

    @property
    def lease(self) -> Lease:
        """The lease as it was last renewed."""
        return self._lease

    def renew(self, until: int) -> None:
        """Extend the lease; see the port."""
        run = self._mine()
        if run is None:
            raise refusals.taken_over(self._lease.run)
        self._lease = replace(self._lease, until=until)
        run.lease = self._lease

    def release(self) -> None:
        """Give it back; quietly nothing when it was taken over."""
        run = self._mine()
        if run is not None:
            run.lease = replace(self._lease, until=0)
            run.driven_by = None

    def _mine(self) -> _Run | None:
        run = self._journal.store.runs.get(self._lease.run)
        if run is None or run.lease is None or run.lease.epoch != self._lease.epoch or run.driven_by is None:
            return None
        return run


def _lasts(thing: Kept, now: int) -> bool:
    return thing.until is None or thing.until > now

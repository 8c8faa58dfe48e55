"""The journal's port: what any store of runs must do, and nothing about how.

Every method is synchronous and durable when it returns: *acknowledged means on disk*.
A run has one driver at a time: its lease has an epoch, every append carries it, and a stale one is refused inside
the transaction. Everybody else puts requests in the run's inbox; the driver answers each in the same transaction as
the facts that follow from it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Any, Protocol

from relight.frozen import frozen

FORMAT = 3
"""The version of the stored format; a journal with a higher one is refused by name."""

GENESIS = "0" * 64
"""What the first record of a run has for *prev*."""

BODY_BYTES_MAX = 2 * 1024 * 1024
"""The largest fact is a plan: ten thousand hosts and a hundred steps are a quarter of it."""

REQUEST_BYTES_MAX = 64 * 1024
"""A request is a verb and a reason; a person types less."""

PENDING_MAX = 1_000
"""Unanswered requests of one run; more than that is a runaway script, and a dead driver's inbox must not grow."""

SAMPLES_MAX = 20_000
"""Samples kept of one run: forty checks every five seconds for forty minutes; older ones go first."""

SNAPSHOT_BYTES_MAX = 1024 * 1024
"""A state without its plan: five thousand steps, each with its result; folding the facts costs a reader no more."""

BLOB_BYTES_MAX = 1024 * 1024
"""Output that is longer is cut by whoever keeps it; its digest is of the whole."""

SHELF_MAX = 10_000
"""Things on one shelf: a door that keeps more has forgotten to let go of something."""

KEPT_BYTES_MAX = 64 * 1024
"""What a door keeps is an address, a proposal or a name for something; none is larger than a request."""


@frozen
class Record:
    """One fact as it is stored: *body* is its exact JSON, never re-encoded.

    *hash* is SHA-256 over ``prev || body``; body holds v, run, seq, epoch, at, t, kind and the fact's own fields.
    """

    run: str
    seq: int
    epoch: int
    kind: str
    body: bytes
    prev: str
    hash: str


@frozen
class Snapshot:
    """A run's state after record *seq*, kept beside the chain: a shortcut for readers, and no fact.

    *prev* is that record's hash and *hash* SHA-256 over ``prev || body``, so that it can be seen what it belongs to.
    """

    run: str
    seq: int
    body: bytes
    prev: str
    hash: str


@frozen
class Sample:
    """One data point of a watched check, kept outside the chain, bounded per run."""

    check: str
    use: str
    at: int
    t: int
    kind: str
    value: float | bool | str | None = None
    detail: str = ""


@frozen
class Request:
    """What somebody asked of a run; *body* is a JSON object (person, door, verb, subject, …)."""

    id: str
    run: str
    at: int
    body: dict[str, Any]


@frozen
class Answer:
    """The driver's answer: *code* is the exit code that the asker's CLI ends with."""

    request: str
    ok: bool
    text: str
    code: int = 0


@frozen
class Lease:
    """Who drives a run: *until* is wall milliseconds; *alive* is what the store can tell of the holder.

    *details* is what the driver wants shown: pid, host, started, boot id.
    """

    run: str
    epoch: int
    driver: str
    until: int
    alive: bool
    details: dict[str, Any] = field(default_factory=dict)


@frozen
class Row:
    """A run in the list of runs, kept up to date by appends: *state* as in ``relight runs``."""

    run: str
    runbook: str
    site: str
    state: str
    started_at: int
    ended_at: int | None
    starter: str
    seq: int


@frozen
class Batch:
    """What one driver appends in one transaction.

    Attributes:
        kinds_and_bodies: The facts' kinds and exact bytes, in order; may be empty when only answers are given.
        first_seq: The sequence number of the first of them; another one is refused (somebody else wrote).
        state: The run's state afterwards, for the list of runs.
        ended_at: Set when the run is over: its named locks are freed in the same transaction.
        live: Small JSON for views, outside the chain (values observed, progress lines); replaces the last.
        snapshot: The run's state after these facts, outside the chain; replaces the last.
        urgent: On a full disk this may use the reserve: aborts, outcomes of what is under way, moves to less exposure
            and the end. Whatever starts something new is never urgent.
    """

    run: str
    epoch: int
    first_seq: int
    kinds_and_bodies: Sequence[tuple[str, bytes]] = ()
    answers: Sequence[Answer] = ()
    samples: Sequence[Sample] = ()
    state: str = ""
    ended_at: int | None = None
    live: dict[str, Any] | None = None
    snapshot: bytes | None = None
    urgent: bool = False


@frozen
class Kept:
    """A small thing that a door keeps beside the runs: a sign of life, a proposal, where a message stands in a chat.

    *until* is wall milliseconds after which it is as if it were not there; None: until somebody lets go of it.
    """

    shelf: str
    name: str
    at: int
    body: dict[str, Any]
    until: int | None = None


class DriverHold(Protocol):
    """The right to drive a run, held until released or lost."""

    @property
    def lease(self) -> Lease: ...

    def renew(self, until: int) -> None:
        """Extend the lease to *until* (wall ms).

        Raises:
            StaleDriver: somebody took it over.
        """

    def release(self) -> None:
        """Give it back; quietly nothing when it was taken over."""


class Journal(Protocol):
    """A store of runs.

    One handle may be used from several threads: reads never wait for a write that is under way in another thread.
    A handle must not be carried into a forked child.
    """

    @property
    def location(self) -> str:
        """How a person names it: ``sqlite:///PATH``."""
        ...

    def create(
        self,
        row: Row,
        first: Sequence[tuple[str, bytes]],
        *,
        locks: Sequence[str] = (),
        once: Sequence[Kept] = (),
    ) -> None:
        """Begin a run with its first records (epoch 0), claiming its named locks in the same transaction.

        A lock is held until its run has ended, whether or not anybody drives it; what is in *once* is put on its shelf.

        Raises:
            Locked: another unfinished run holds one of *locks*; names it.
            Taken: a thing in *once* is on its shelf already; names it.
            JournalError: there is a run of that id, or nothing can be written; nothing was.
        """

    def append(self, batches: Sequence[Batch]) -> list[Exception | None]:
        """Append all batches in one transaction; a batch that is refused is left out alone, its error in its place.

        On a full disk the urgent ones are written from the reserve, and the others are refused with ``JournalError``.

        A batch is refused with ``StaleDriver`` when its epoch is not that of the lease, when the lease was released,
        or when the sequence does not match; with ``JournalError`` when it is for no run, answers what was never asked
        or already answered, or is too large. It changes nothing then.

        Raises:
            JournalError: nothing was acknowledged (disk full, I/O error); read the run's end before the next append.
        """

    def records(self, run: str, after: int = 0, *, kinds: Sequence[str] = ()) -> Iterator[Record]:
        """Yield the records of *run* above number *after* in order (the first is 1), of *kinds* where any are named."""

    def row(self, run: str) -> Row | None:
        """Return the list's row of that run."""

    def rows(self, *, unfinished: bool = False, limit: int = 100) -> list[Row]:
        """Return runs, newest first."""

    def find(self, prefix: str) -> list[str]:
        """Return the ids of runs that start with *prefix*, newest first."""

    # -- leases

    def drive(
        self,
        run: str,
        driver: str,
        until: int,
        now: int,
        *,
        take_over: bool = False,
        details: dict[str, Any] | None = None,
    ) -> DriverHold:
        """Take the run's lease under a new epoch.

        A dead holder's is taken at once where the store can tell (an embedded journal's file lock);
        otherwise only after its time, and then only with *take_over*.

        Raises:
            Locked: somebody else drives it; says who and until when.
            JournalError: there is no such run.
        """

    def lease(self, run: str) -> Lease | None:
        """Return who drives it, or did last; None if nobody ever did."""

    # -- inbox

    def ask(self, request: Request, *, urgent: bool = False) -> None:
        """Put a request in the run's inbox; an *urgent* one (abort, deny, pause) may use the reserve of a full disk.

        Raises:
            JournalError: there is no such run, its inbox is full, the request is too large or was put there before.
        """

    def pending(self, run: str) -> list[Request]:
        """Return the unanswered requests in order."""

    def answer(self, request: str) -> Answer | None:
        """Return the answer to a request, None while there is none."""

    def changes(self) -> int:
        """Return a number that differs after any other process wrote; cheap enough to poll every 20 ms.

        It may also differ after this one wrote.
        """

    # -- beside the chain

    def samples(self, run: str, *, check: str = "", last: int = 100) -> list[Sample]:
        """Return the newest samples, oldest first."""

    def live(self, run: str) -> dict[str, Any]:
        """Return what the driver last put there for views."""

    def snapshot(self, run: str) -> Snapshot | None:
        """Return the last one that was stored, None where there is none; whether to believe it is the reader's part."""

    def put_blob(self, content: bytes) -> str:
        """Keep *content* and return its SHA-256 in hex.

        Raises:
            JournalError: it is larger than ``BLOB_BYTES_MAX``, or cannot be written.
        """

    def blob(self, digest: str) -> bytes | None:
        """Return a blob."""

    # -- shelves: what doors share, and no fact of any run

    def keep(self, thing: Kept, *, only_new: bool = False) -> bool:
        """Put *thing* on its shelf in place of what has its name there, and say whether it is there now.

        With *only_new* nothing is replaced: of several that reach for a name at the same moment one gets True.

        Raises:
            JournalError: the shelf is full, the thing is too large, or nothing can be written.
        """

    def kept(self, shelf: str, now: int) -> list[Kept]:
        """Return what is on that shelf at the time *now*, oldest first."""

    def let_go(self, shelf: str, name: str) -> bool:
        """Take a thing from its shelf, and say whether it was there: it is handed to one taker only."""

    def close(self) -> None:
        """Let go of it; a lease that was not released counts as a dead driver's."""

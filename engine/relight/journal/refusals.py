"""What a journal says when it refuses, in one voice whichever store it is."""

import json
import re
from collections.abc import Sequence

from relight.errors import JournalError, Locked, StaleDriver, Taken
from relight.journal.port import (
    BLOB_BYTES_MAX,
    BODY_BYTES_MAX,
    KEPT_BYTES_MAX,
    PENDING_MAX,
    REQUEST_BYTES_MAX,
    SHELF_MAX,
    Batch,
    Kept,
    Lease,
    Request,
)

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def no_run(run: str, location: str) -> JournalError:
    """Nobody created it."""
    return JournalError(f"no run {run} in {location}", hint="relight runs lists them; --journal names another journal")


def run_exists(run: str) -> JournalError:
    """Its id is taken."""
    return JournalError(f"there is already a run {run}", hint="start again: the next one gets another id")


def lock_taken(lock: str, run: str, runbook: str) -> Locked:
    """Another unfinished run claims the same thing."""
    return Locked(
        f"{lock} is held by run {run} ({runbook})", hint=f"relight status {run}; it is free when that run ends"
    )


def taken(thing: Kept) -> Taken:
    """Somebody else has just done what is done once."""
    return Taken(f"{thing.name} is on the shelf {thing.shelf} already", hint="look again, then start again")


def driven(lease: Lease, now: int) -> Locked:
    """Somebody drives it."""
    pid, host = lease.details.get("pid"), lease.details.get("host")
    who = f"{lease.driver} (pid {pid}{f' on {host}' if host else ''})" if pid else lease.driver
    left_s = (lease.until - now) / 1_000
    if left_s < 0:
        return Locked(
            f"run {lease.run} is driven by {who}, which lives but let its lease run out {-left_s:.0f} s ago",
            hint=f"end that process, or relight resume {lease.run} --take-over",
        )
    return Locked(f"run {lease.run} is driven by {who}, for {left_s:.0f} s more", hint=f"relight watch {lease.run}")


def taken_over(run: str) -> StaleDriver:
    """A driver found that it is none any more."""
    return StaleDriver(f"run {run} was taken over by another driver; nothing was written", hint=f"relight status {run}")


def stale(batch: Batch, epoch: int | None, seq: int) -> StaleDriver | None:
    """Refuse a batch that is not of the lease's *epoch* (None: nobody has it), or does not continue the run."""
    if batch.epoch != epoch:
        return taken_over(batch.run)
    if batch.first_seq != seq + 1:
        return StaleDriver(
            f"run {batch.run} has {seq} records, a driver would write number {batch.first_seq}: nothing was written",
            hint=f"relight resume {batch.run}",
        )
    return None


def too_large(kinds_and_bodies: Sequence[tuple[str, bytes]]) -> JournalError | None:
    """Refuse a fact that no journal keeps."""
    for kind, body in kinds_and_bodies:
        if len(body) > BODY_BYTES_MAX:
            return JournalError(f"a {kind} of {len(body)} bytes is larger than a fact may be ({BODY_BYTES_MAX} bytes)")
    return None


def not_asked(request: str) -> JournalError:
    """An answer to nothing."""
    return JournalError(f"request {request} was never asked of this run, or is answered already")


def asked_before(request: str) -> JournalError:
    """The same request twice; the first one stands."""
    return JournalError(f"request {request} was asked before", hint="look at its answer instead")


def checked_request(request: Request, pending: int, *, urgent: bool) -> str:
    """Return a request's JSON.

    Raises:
        JournalError: there are too many, or it is too large.
    """
    # A runaway script must not be able to keep an abort out.
    if pending >= (2 * PENDING_MAX if urgent else PENDING_MAX):
        raise JournalError(
            f"{pending} requests wait in the inbox of run {request.run}, and nobody answers",
            hint=f"relight status {request.run} tells who drives it; relight resume {request.run} gives it a driver",
        )
    body = json.dumps(request.body, separators=(",", ":"))
    if len(body) > REQUEST_BYTES_MAX:
        raise JournalError(f"a request of {len(body)} bytes is larger than one may be ({REQUEST_BYTES_MAX} bytes)")
    return body


def checked_run(run: str) -> None:
    """Refuse an id that could not be a file's name.

    Raises:
        JournalError: it could not.
    """
    if not _RUN.fullmatch(run):
        raise JournalError(f"{run!r} is no id of a run: letters, digits, - and _, at most 64")


def blob_too_large(size: int) -> JournalError:
    """Output that its keeper should have cut."""
    return JournalError(f"{size} bytes of output are more than a journal keeps ({BLOB_BYTES_MAX} bytes)")


def checked_thing(thing: Kept, there: int, *, known: bool) -> str:
    """Return a kept thing's JSON.

    Raises:
        JournalError: it is too large, or its shelf is full.
    """
    body = json.dumps(thing.body, separators=(",", ":"))
    if len(body) > KEPT_BYTES_MAX:
        raise JournalError(f"{len(body)} bytes for the shelf {thing.shelf} are more than one holds ({KEPT_BYTES_MAX})")
    if there >= SHELF_MAX and not known:
        raise JournalError(f"the shelf {thing.shelf} is full: {there} things", hint="somebody forgot to let go of them")
    return body

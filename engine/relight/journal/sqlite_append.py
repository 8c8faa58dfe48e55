"""What is written of a run, statement by statement, inside a transaction that somebody else has begun."""

import json
from collections.abc import Sequence

import apsw

from relight.errors import JournalError, Locked
from relight.journal import refusals
from relight.journal.chain import link
from relight.journal.port import GENESIS, SAMPLES_MAX, Answer, Batch, Kept, Row, Sample
from relight.journal.sqlite_shelves import keep_on_shelf

_TRIM_EVERY = 500
"""Old samples are taken away once in so many new ones; a few more than the limit do no harm."""


def create_run(
    connection: apsw.Connection,
    row: Row,
    first: Sequence[tuple[str, bytes]],
    locks: Sequence[str],
    once: Sequence[Kept],
) -> JournalError | Locked | None:
    """Write a run's row, locks and first records, and what is done once, or say why not."""
    if any(connection.execute("SELECT 1 FROM runs WHERE run = ?", (row.run,))):
        return refusals.run_exists(row.run)
    if too_large := refusals.too_large(first):
        return too_large
    for lock in sorted(locks):
        question = "SELECT run, runbook FROM locks JOIN runs USING (run) WHERE name = ?"
        for run, runbook in connection.execute(question, (lock,)):
            return refusals.lock_taken(lock, str(run), str(runbook))
    for thing in once:
        if any(connection.execute("SELECT 1 FROM shelves WHERE shelf = ? AND name = ?", (thing.shelf, thing.name))):
            return refusals.taken(thing)
    for thing in once:
        keep_on_shelf(connection, thing, only_new=False)
    connection.execute(
        "INSERT INTO runs (run, runbook, site, state, started_at, ended_at, starter) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row.run, row.runbook, row.site, row.state, row.started_at, row.ended_at, row.starter),
    )
    connection.executemany("INSERT INTO locks (name, run) VALUES (?, ?)", [(lock, row.run) for lock in set(locks)])
    _insert_records(connection, row.run, 0, 0, GENESIS, first)
    return None


# By their keys: to look for the last record of a run takes four times as long as to look whether it is the right one.
_PLACE = """
SELECT state, (SELECT epoch FROM leases WHERE leases.run = runs.run AND NOT released),
    (SELECT hash FROM records WHERE records.run = runs.run AND seq = ?2),
    EXISTS (SELECT 1 FROM records WHERE records.run = runs.run AND seq = ?2 + 1)
FROM runs WHERE run = ?1
"""


def append_batch(connection: apsw.Connection, batch: Batch, location: str) -> Exception | None:
    """Write a batch, or say why not; everything that can be refused is refused before the first write."""
    seq = batch.first_seq - 1
    found = connection.execute(_PLACE, (batch.run, seq)).fetchone()
    if found is None:
        return refusals.no_run(batch.run, location)
    state, epoch, head, is_taken = found
    head = GENESIS if seq == 0 else head
    if head is None or is_taken or epoch != batch.epoch:
        return refusals.stale(batch, epoch, _last_seq(connection, batch.run))
    if refusal := refusals.too_large(batch.kinds_and_bodies) or _refuse_answers(connection, batch):
        return refusal
    head = _insert_records(connection, batch.run, batch.epoch, seq, head, batch.kinds_and_bodies)
    if batch.snapshot is not None:
        values = (batch.run, seq + len(batch.kinds_and_bodies), batch.snapshot, head, link(head, batch.snapshot))
        connection.execute(
            "INSERT OR REPLACE INTO snapshots (run, seq, body, prev, hash) VALUES (?, ?, ?, ?, ?)", values
        )
    if batch.answers:
        connection.executemany("UPDATE requests SET ok = ?, text = ?, code = ? WHERE id = ?", _answers(batch.answers))
    if batch.samples:
        _insert_samples(connection, batch.run, batch.samples)
    if batch.live is not None:
        connection.execute("INSERT OR REPLACE INTO live (run, body) VALUES (?, ?)", (batch.run, _json(batch.live)))
    if batch.state not in ("", state):
        connection.execute("UPDATE runs SET state = ? WHERE run = ?", (batch.state, batch.run))
    if batch.ended_at is not None:
        connection.execute("UPDATE runs SET ended_at = ? WHERE run = ?", (batch.ended_at, batch.run))
        connection.execute("DELETE FROM locks WHERE run = ?", (batch.run,))
    return None


def _last_seq(connection: apsw.Connection, run: str) -> int:
    found = connection.execute("SELECT max(seq) FROM records WHERE run = ?", (run,)).fetchone()
    return int(found[0] or 0) if found else 0


def _refuse_answers(connection: apsw.Connection, batch: Batch) -> JournalError | None:
    asked = "SELECT 1 FROM requests WHERE id = ? AND run = ? AND ok IS NULL"
    for answer in batch.answers:
        if not any(connection.execute(asked, (answer.request, batch.run))):
            return refusals.not_asked(answer.request)
    return None


def _insert_records(
    connection: apsw.Connection, run: str, epoch: int, seq: int, head: str, facts: Sequence[tuple[str, bytes]]
) -> str:
    """Write records behind the one whose hash is *head*, and return the last one's."""
    rows = []
    for kind, body in facts:
        seq, prev = seq + 1, head
        head = link(prev, body)
        rows.append((run, seq, epoch, kind, body, prev, head))
    connection.executemany(
        "INSERT INTO records (run, seq, epoch, kind, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
    )
    return head


def _answers(answers: Sequence[Answer]) -> list[tuple[int, str, int, str]]:
    return [(int(answer.ok), answer.text, answer.code, answer.request) for answer in answers]


def _insert_samples(connection: apsw.Connection, run: str, samples: Sequence[Sample]) -> None:
    last = 0
    for (number,) in connection.execute("SELECT coalesce(max(number), 0) FROM samples WHERE run = ?", (run,)):
        assert isinstance(number, int)
        last = number
    connection.executemany(
        "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (run, last + index, s.check, s.use, s.at, s.t, s.kind, _json(s.value), s.detail)
            for index, s in enumerate(samples, 1)
        ],
    )
    newest = last + len(samples)
    if newest // _TRIM_EVERY != last // _TRIM_EVERY:
        connection.execute("DELETE FROM samples WHERE run = ? AND number <= ?", (run, newest - SAMPLES_MAX))


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))

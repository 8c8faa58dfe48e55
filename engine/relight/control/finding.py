"""Which run is meant: an id or a unique prefix of one, or the only unfinished run."""

from relight.control.wording import wall_clock
from relight.errors import UsageError
from relight.journal.port import Journal, Row

CANDIDATES_MAX = 8
"""Runs that a refusal names; with more of them nobody reads on."""
NAME_SHORTEST = 3
"""Characters of the shortest name given to a run: what people say over the phone."""


def find_run(journal: Journal, prefix: str) -> Row:
    """Return the run whose id starts with *prefix*.

    Raises:
        UsageError: none does, or several do; names them.
    """
    wanted = prefix.strip()
    ids = journal.find(wanted) if wanted else []
    if wanted in ids:
        ids = [wanted]
    rows = [row for each in ids if (row := journal.row(each)) is not None]
    if len(rows) == 1:
        return rows[0]
    if rows:
        raise UsageError(
            f"{len(rows)} runs start with {wanted!r}: {_named(rows)}", hint="give more of the id of the one you mean"
        )
    known = journal.rows(limit=CANDIDATES_MAX)
    hint = f"the newest runs are {_named(known)}" if known else "this journal has no runs yet"
    raise UsageError(f"no run starts with {wanted!r} in {journal.location}", hint=hint)


def only_unfinished(journal: Journal) -> Row:
    """Return the only run that has not ended.

    Raises:
        UsageError: there is none, or there are several; names them.
    """
    rows = journal.rows(unfinished=True, limit=CANDIDATES_MAX + 1)
    if len(rows) == 1:
        return rows[0]
    if rows:
        raise UsageError(f"{len(rows)} runs are unfinished: {_named(rows)}", hint="name the one you mean")
    last = journal.rows(limit=1)
    hint = f"the last one was {_named(last)}; name it to read it" if last else "`relight run` starts one"
    raise UsageError(f"no run is unfinished in {journal.location}", hint=hint)


def short_name(journal: Journal, run_id: str) -> str:
    """Return the shortest prefix that is good for this run alone."""
    for length in range(NAME_SHORTEST, len(run_id)):
        if len(journal.find(run_id[:length])) <= 1:
            return run_id[:length]
    return run_id


def _named(rows: list[Row]) -> str:
    words = [f"{row.run} ({row.runbook} on {row.site}, {row.state}, {wall_clock(row.started_at)})" for row in rows]
    shown = ", ".join(words[:CANDIDATES_MAX])
    more = len(words) - CANDIDATES_MAX
    return shown + (f" and {more} more" if more > 0 else "")

"""The decision table for people: which of its rows are wanted, and rows that say the same as one.

What does not belong here: working the table out (:mod:`relight.drivers.explorer.decisions` does).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]


def wanted_rows(rows: Iterable[Row], stages: Sequence[str], codes: Sequence[str]) -> list[Row]:
    """Return the rows of these stages and codes; none named: all of them."""
    return [row for row in rows if (not stages or row["stage"] in stages) and (not codes or row["code"] in codes)]


def decision_lines(rows: Sequence[Row], *, each: bool = False) -> Iterator[str]:
    """Yield the table for a terminal; holds of one code with the same verbs are told once, unless *each* is wanted."""
    if rows:
        yield "DECISIONS  for every hold that can happen: what it means, what is in force, and each verb"
    alike: dict[object, list[Row]] = {}
    for number, row in enumerate(rows):
        alike.setdefault(number if each else _said(row), []).append(row)
    for group in alike.values():
        yield ""
        yield from _one(group[0]) if len(group) == 1 else _several(group)


def _said(row: Row) -> tuple[Any, ...]:
    """Return what a row says, whatever its step is called."""
    likely = [verb for verb in row["verbs"] if not verb["seldom"]]
    return row["code"], tuple((verb["verb"], _words(verb, row), verb["leads_to"], *verb["roles"]) for verb in likely)


def _words(verb: Mapping[str, Any], row: Row) -> str:
    """Return a verb's words with what only this row calls so left open."""
    names = {name: word for name, word in ((row["step"], "STEP"), (row["stage"], "STAGE")) if name}
    return " ".join(names.get(word, word) for word in verb["words"].split())


def _one(row: Row) -> Iterator[str]:
    yield f"{row['code']}  {_place(row)}: {row['means']}"
    yield f"   in force: {_in_force(row)}"
    for verb in (verb for verb in row["verbs"] if not verb["seldom"]):
        then = f" -> {', '.join(verb['then'])}" if verb["then"] else ""
        yield f"   {_verb(verb, verb['words'])}{then}"
    besides = [f"{verb['verb']} {verb['words']}".rstrip() for verb in row["verbs"] if verb["seldom"]]
    if besides:
        yield f"   legal besides: {', '.join(besides)}"


def _several(rows: Sequence[Row]) -> Iterator[str]:
    yield f"{rows[0]['code']}  at {len(rows)} places: {rows[0]['means']}"
    for force, places in _by_force(rows).items():
        yield f"   at {', '.join(places)}; in force: {force}"
    for verb in (verb for verb in rows[0]["verbs"] if not verb["seldom"]):
        yield f"   {_verb(verb, _words(verb, rows[0]))}"


def _by_force(rows: Sequence[Row]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(_in_force(row), []).append(_place(row))
    return found


def _verb(verb: Mapping[str, Any], words: str) -> str:
    who = f" [{' or '.join(verb['roles'])}]" if verb["roles"] else ""
    return f"{verb['verb']} {words}".rstrip() + f"{who}: {verb['leads_to']}"


def _in_force(row: Row) -> str:
    maybe = f" (perhaps {', '.join(row['maybe_in_force'])})" if row["maybe_in_force"] else ""
    return f"{', '.join(row['in_force']) or 'nothing'}{maybe}"


def _place(row: Row) -> str:
    return "/".join(part for part in (row["stage"], row["step"]) if part) or "anywhere"

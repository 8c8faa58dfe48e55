"""A paper: headings, words, tables and drawings in order; Markdown here, HTML in :mod:`relight.charts.paper_html`.

Whoever writes one says everything once, so that what is pasted into a ticket and what is attached to it agree.
What stands in it came from outside in part: nothing of that becomes markup.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from relight.charts.sheet import Moment, Sheet
from relight.charts.text import chart_rows

MARKDOWN_WIDTH = 96
"""Columns of a drawing in a fenced block: what a ticket shows without scrolling."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What follows is about this; *level* 1 is the paper's own."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph; *tone* is ``good``, ``bad``, ``soft`` or empty."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences."""

    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; the first cell of each row names it. *right* are the columns that hold figures."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Pairs:
    """What is called how: names beside values."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Command:
    """What can be typed as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A sheet, drawn; *parts* says whether its stages or its curves are meant."""

    sheet: Sheet
    parts: Literal["stages", "curves"]


@dataclass(frozen=True, slots=True)
class Folded:
    """What few will read, behind its title where that can be done."""

    title: str
    blocks: "Sequence[Block]"


Block: TypeAlias = Heading | Words | Items | Table | Pairs | Command | Drawing | Folded


def markdown(blocks: Sequence[Block]) -> str:
    """Return a paper as Markdown, tables as GitHub and GitLab know them."""
    return "\n".join(_tight(line for block in blocks for line in (*_block(block), ""))) + "\n"


def _tight(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines without empty ones at the end, or one after the other."""
    before = ""
    waiting = False
    for line in lines:
        if not line:
            waiting = bool(before)
            continue
        if waiting:
            yield ""
        waiting, before = False, line
        yield line


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield f"{'#' * level} {marked(text)}"
        case Words(text, tone):
            yield f"**{marked(text)}**" if tone in {"good", "bad"} else marked(text)
        case Items(texts):
            yield from (f"- {marked(text)}" for text in texts)
        case Table(head, rows, right):
            yield _row(head)
            yield "|" + "|".join("---:" if column in right else "---" for column in range(len(head))) + "|"
            yield from (_row(row) for row in rows)
        case Pairs(rows):
            yield "| | |"
            yield "|---|---|"
            yield from (_row((f"{name}", value)) for name, value in rows)
        case Command(text):
            yield from ("```sh", printable(text), "```")
        case Drawing(sheet, parts):
            yield "```text"
            yield from _drawn(sheet, parts)
            yield "```"
        case Folded(title, inner):
            yield from _block(Heading(title, 3))
            for each in inner:
                yield ""
                yield from _block(each)


def _drawn(sheet: Sheet, parts: Literal["stages", "curves"]) -> Iterator[str]:
    # Both halves keep the whole's axis.
    end = (Moment(t_ms=sheet.end_ms, what=""),)
    shown = replace(sheet, curves=(), moments=end) if parts == "stages" else replace(sheet, bands=(), moments=end)
    for row in chart_rows(shown, width=MARKDOWN_WIDTH):
        yield printable("".join(text for text, _ in row)).rstrip().replace("```", "'''")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_MARKUP.sub(r"\\\1", printable(cell)) for cell in cells) + " |"


_MARKUP = re.compile(r"([\\`*\[|]|~(?=~)|<(?=[\w/!?])|(?<!\w)_|_(?!\w)|&(?=#?\w+;))")
_BEGINNING = re.compile(r"^([#>+=-]+|\d+(?=[.)]\s))")


def marked(text: str) -> str:
    """Return a text so that Markdown shows it as it is, on one line of its own."""
    escaped = _MARKUP.sub(r"\\\1", printable(text).strip())
    return _BEGINNING.sub(lambda found: f"{found[1]}\\" if found[1].isdigit() else f"\\{found[1]}", escaped)


def printable(text: str) -> str:
    """Return a text without what moves, hides or turns others; white space of any kind is a space."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " if char.isspace() else "" for char in text)

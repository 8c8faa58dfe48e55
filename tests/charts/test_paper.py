"""Papers: the same words as Markdown and as a page."""

from __future__ import annotations

import re

import pytest

from relight.charts import (
    Block,
    Command,
    Drawing,
    Folded,
    Heading,
    Items,
    Pairs,
    Sheet,
    Table,
    Words,
    markdown,
    paper_body,
    paper_page,
)
from relight.charts.paper import marked

TABLE = Table(["Stage", "Ended", "Took", "Why"], [["contain", "succeeded", "0:15", ""]], frozenset({2}))


def test_blocks_as_markdown() -> None:
    """One empty line between two blocks, one line end at the end."""
    paper: list[Block] = [
        Heading("A night", 1),
        Words("It went.", "good"),
        Items(["one", "two"]),
        TABLE,
        Pairs([("Run", "7f3")]),
        Command("relight verify 7f3"),
        Folded("More", [Words("of it")]),
    ]
    assert """# A night

**It went.**

- one
- two

| Stage | Ended | Took | Why |
|---|---|---:|---|
| contain | succeeded | 0:15 |  |

| | |
|---|---|
| Run | 7f3 |

```sh
relight verify 7f3
```

### More

of it
""" == markdown(paper)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("edge_errors < 3%", "edge_errors < 3%"),
        ("_so_ and *so*", "\\_so\\_ and \\*so\\*"),
        ("a | b", "a \\| b"),
        ("<b>", "\\<b>"),
        ("[a](b)", "\\[a](b)"),
        ("`x` \\", "\\`x\\` \\\\"),
        ("# x", "\\# x"),
        ("- x", "\\- x"),
        ("1. x", "1\\. x"),
        ("> x", "\\> x"),
        ("---", "\\---"),
        ("&lt; & co", "\\&lt; & co"),
        ("~~x~~", "\\~~x\\~~"),
        ("a\nb\u202ec\x1b", "a bc"),
    ],
)
def test_a_text_stays_a_text(text: str, shown: str) -> None:
    """Nothing in it becomes markup, and nothing harmless is made hard to read."""
    assert shown == marked(text)


def test_a_drawing_is_lines_in_a_fence(sheet: Sheet) -> None:
    """Stages and curves apart, over the same axis."""
    stages, curves = (markdown([Drawing(sheet, part)]) for part in ("stages", "curves"))
    assert stages.startswith("```text\n")
    assert "2 roll-back" in stages
    assert "errors" not in stages
    assert "errors" in curves
    assert "roll-back" not in curves
    assert stages.splitlines()[1] == curves.splitlines()[1]


def test_blocks_as_a_page(sheet: Sheet) -> None:
    """It needs nothing else: no script, no address, no style in an attribute; cells are named for narrow screens."""
    paper: list[Block] = [
        Heading("A <night>", 1),
        Words("It went.", "soft"),
        TABLE,
        Folded("More", [Words("of it")]),
        Drawing(sheet, "stages"),
        Drawing(sheet, "curves"),
    ]
    page = paper_page("A <night>", paper)
    assert "<title>A &lt;night&gt;</title>" in page
    assert paper_body(paper) in page
    assert "<h1>A &lt;night&gt;</h1>" in page
    assert '<p class="soft">It went.</p>' in page
    assert '<td class="right" data-name="Took">0:15</td>' in page
    assert '<th scope="row">contain</th>' in page
    assert "<details><summary>More</summary><p>of it</p></details>" in page
    assert 3 == page.count('class="panel"')
    assert not re.search(r"<script|http:|https:|\sstyle=|\son\w+=", page)


def test_a_small_table_stays_one_on_a_phone() -> None:
    """Only with more than three columns is it set as a list there."""
    assert '<table class="wide">' in paper_body([TABLE])
    assert "<table><thead>" in paper_body([Table(["a", "b", "c"], [["1", "2", "3"]])])


def test_stages_are_read_aloud(sheet: Sheet) -> None:
    """The drawing has its words as a label, and its shapes are left out."""
    body = paper_body([Drawing(sheet, "stages")])
    assert 'role="img" aria-label="mend &lt;it&gt; at lab: held.' in body
    assert "waits for people" in body

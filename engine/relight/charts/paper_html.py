"""A paper as HTML: a page that needs nothing else, or its body for a page that has a manner of its own.

No script, nothing fetched, no attribute that is a style; light, dark and printed; as wide as a desk or a phone.
"""

from collections.abc import Iterator, Sequence
from html import escape

from relight.charts.page import LOOK, PAPER, axis, panel, stage_row
from relight.charts.paper import Block, Command, Drawing, Folded, Heading, Items, Pairs, Table, Words, printable
from relight.charts.svg import COLOURS, SHAPES, described

PAPER_STYLE = """
main.paper{max-width:64rem;padding:1.2rem 1.2rem 4rem}
.paper h1{font-size:1.6rem;line-height:1.25;margin:0 0 .3rem}
.paper h2{font-size:1.2rem;margin:2.4rem 0 .5rem;padding-bottom:.25rem;border-bottom:2px solid var(--line)}
.paper h3{font-size:1rem;margin:1.2rem 0 .3rem}.paper p,.paper ul{margin:.35rem 0;max-width:48rem}
.paper ul{padding-left:1.2rem}.paper li{margin:.2rem 0}
.paper .good{color:var(--good);font-weight:600}.paper .bad{color:var(--limit);font-weight:600}
.paper table{font-size:.93rem;margin:.4rem 0;font-variant-numeric:tabular-nums}
.paper thead th{color:var(--soft);font-weight:600;white-space:nowrap;font-size:.85rem}
.paper th{overflow-wrap:break-word}.paper td:not(.right){overflow-wrap:anywhere;min-width:5.5rem}
.paper th[scope=row]{white-space:normal}
.paper .right{text-align:right;white-space:nowrap}.paper .right+:not(.right){padding-left:.8rem}
.paper .pairs{width:auto}.paper .pairs th{color:var(--soft);font-weight:400;padding-right:1.4rem}
.paper pre{background:var(--band);padding:.5rem .7rem;overflow-x:auto;margin:.4rem 0;border-radius:4px}
.paper details{margin:.5rem 0}.paper summary{cursor:pointer;font-weight:600;padding:.25rem 0}
.paper summary:focus-visible{outline:2px solid var(--curve);outline-offset:2px}
.paper .curves{display:grid;gap:.4rem 2rem}
@media(min-width:52rem){.paper .curves{grid-template-columns:1fr 1fr}}
@media(max-width:36rem){main.paper{padding:.8rem}.paper h1{font-size:1.3rem}
.paper .wide thead{position:absolute;left:-9999px}
.paper .wide,.paper .wide tbody,.paper .wide tr,.paper .wide th,.paper .wide td{display:block;text-align:left;border:0;
padding:0;min-width:0;white-space:normal}
.paper .wide tr{border-bottom:1px solid var(--line);padding:.45rem 0}
.paper .wide td[data-name]:not(:empty)::before{content:attr(data-name) " ";color:var(--soft);font-size:.85rem}
.paper .wide td.right+td:not(.right){padding:0}
.paper .wide td.right{display:inline;padding-right:.9rem}.paper .wide td:empty{display:none}}
@media print{:root{color-scheme:light}.sheet{--paper:#fff}main.paper{max-width:none;padding:0}
.paper h2{break-after:avoid}.paper tr,.paper .panel,.paper .stage{break-inside:avoid}}
"""
"""What a body needs beside the styles of drawings."""

ALL_STYLE = f"{COLOURS}{SHAPES}{PAPER}{LOOK}{PAPER_STYLE}"
NARROW_COLUMNS = 3
"""A table with more columns is set as a list on a phone."""


def paper_page(title: str, blocks: Sequence[Block]) -> str:
    """Return the whole page."""
    said = escape(printable(title))
    return (
        '<!doctype html>\n<html lang="en" class="sheet"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>{said}</title><style>{ALL_STYLE}</style></head>"
        f'<body><main class="paper">{paper_body(blocks)}</main></body></html>\n'
    )


def paper_body(blocks: Sequence[Block]) -> str:
    """Return what stands between ``main`` tags of class ``paper``, inside something of class ``sheet``."""
    return "\n".join(part for block in blocks for part in _block(block))


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield f"<h{level}>{_text(text)}</h{level}>"
        case Words(text, tone):
            yield f'<p class="{tone}">{_text(text)}</p>' if tone else f"<p>{_text(text)}</p>"
        case Items(texts):
            yield f"<ul>{''.join(f'<li>{_text(text)}</li>' for text in texts)}</ul>"
        case Table():
            yield _table(block)
        case Pairs(rows):
            cells = "".join(
                f'<tr><th scope="row">{_text(name)}</th><td>{_text(value)}</td></tr>' for name, value in rows
            )
            yield f'<table class="pairs">{cells}</table>'
        case Command(text):
            yield f"<pre><code>{_text(text)}</code></pre>"
        case Drawing(parts="stages"):
            yield from _stages(block)
        case Drawing():
            yield from _curves(block)
        case Folded(title, inner):
            body = "".join(part for each in inner for part in _block(each))
            yield f"<details><summary>{_text(title)}</summary>{body}</details>"


def _table(table: Table) -> str:
    kinds = [' class="right"' if column in table.right else "" for column in range(len(table.head))]
    head = "".join(f'<th scope="col"{kind}>{_text(name)}</th>' for name, kind in zip(table.head, kinds, strict=True))
    rows = []
    for first, *rest in table.rows:
        cells = "".join(
            f'<td{kind} data-name="{_text(name)}">{_text(cell)}</td>'
            for cell, kind, name in zip(rest, kinds[1:], table.head[1:], strict=True)
        )
        rows.append(f'<tr><th scope="row">{_text(first)}</th>{cells}</tr>')
    wide = ' class="wide"' if len(table.head) > NARROW_COLUMNS else ""
    return (
        f'<div class="scroll"><table{wide}><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _stages(block: Drawing) -> Iterator[str]:
    sheet = block.sheet
    if any(band.waits for band in sheet.bands):
        key = '<span class="wait-key" aria-hidden="true">&#9632;</span> waits for people'
        yield f'<p class="soft">{key}</p>'
    yield f'<div role="img" aria-label="{_text(described(sheet))}">'
    yield from (stage_row(sheet, number, closed) for number, closed in enumerate(sheet.closed, 1))
    yield axis(sheet) + "</div>"


def _curves(block: Drawing) -> Iterator[str]:
    sheet = block.sheet
    yield '<div class="curves">'
    yield from (f"<div>{panel(sheet, curve)}{axis(sheet)}</div>" for curve in sheet.curves)
    yield "</div>"


def _text(text: str) -> str:
    return escape(printable(text))

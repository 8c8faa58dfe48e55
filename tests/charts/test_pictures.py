"""A sheet as a picture and as a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from relight.charts import Sheet, html_page, svg_image
from relight.charts.svg import POINTS_MAX, thinned

SVG = "{http://www.w3.org/2000/svg}"


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def numbers(root: ET.Element) -> Iterator[float]:
    """Yield every number of every path."""
    for path in root.iter(f"{SVG}path"):
        yield from map(float, re.findall(r"-?\d+\.?\d*", path.attrib["d"]))


def test_a_picture_is_whole_and_can_be_read_aloud(sheet: Sheet) -> None:
    """One SVG that parses, with a title and a description in words, and curves inside it."""
    root = ET.fromstring(svg_image(sheet))
    assert root.attrib["role"] == "img"
    assert root.findtext(f"{SVG}title") == "mend <it> at lab"
    described = root.findtext(f"{SVG}desc") or ""
    assert "Stage 2, roll-back, succeeded, from 0:06 to 1:00." in described
    assert "errors: worst 60%, ends 1%, well if < 3%." in described
    assert len(root.findall(f".//{SVG}path[@class='curve']")) == 3
    assert len(root.findall(f".//{SVG}line[@class='limit']")) == 1
    assert all(0 <= number <= 960 for number in numbers(root))


def test_a_page_needs_nothing_else(sheet: Sheet) -> None:
    """No script, nothing fetched, for narrow screens and for dark ones; what was read from outside stays text."""
    page = html_page("A <night>", [sheet])
    read = Page(page)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in read.tags}
    assert not [name for _, attrs in read.tags for name in attrs if name.startswith("on") or name in ("src", "href")]
    assert "@import" not in page
    assert "url(" not in page
    assert ("meta", {"name": "viewport", "content": "width=device-width,initial-scale=1"}) in read.tags
    assert "prefers-color-scheme:dark" in page
    assert "mend <it> at lab: held" in read.texts
    assert "it" not in {tag for tag, _ in read.tags}


def test_several_nights_are_set_side_by_side(sheet: Sheet) -> None:
    """What they cost, one column each, before the drawings."""
    other = replace(sheet, title=f"{sheet.title}: bigger steps", rows=(("time to recovery", "0:20"), ("relapses", "1")))
    texts = Page(html_page("What if", [sheet, other])).texts
    first = texts.index("time to recovery")
    assert texts[first : first + 3] == ["time to recovery", "0:30", "0:20"]
    assert texts.index("relapses") < texts.index("Stages")
    assert ["as it is", "bigger steps"] == [text for text in texts if text in ("as it is", "bigger steps")]
    assert texts.count("turned away") == 1, "not said again under each"


def test_a_sheet_without_anything_is_drawn(sheet: Sheet) -> None:
    """A run that was only begun."""
    empty = Sheet(title="nothing", outcome="pending")
    ET.fromstring(svg_image(empty))
    assert "nothing: pending" in Page(html_page("Nothing", [empty])).texts


@pytest.mark.parametrize("count", [10, POINTS_MAX + 1, 50_000])
def test_long_nights_are_thinned_and_keep_their_extremes(count: int) -> None:
    """The one bad moment of four hours is still there."""
    points: list[tuple[int, float | None]] = [(t * 250, 0.01) for t in range(count)]
    points[count // 2] = (count // 2 * 250, 0.9)
    points[count // 3] = (count // 3 * 250, None)
    kept = thinned(points, count * 250)
    assert len(kept) <= POINTS_MAX * 1.1 + 2
    assert (count // 2 * 250, 0.9) in kept
    assert (count // 3 * 250, None) in kept
    assert kept == sorted(kept, key=lambda point: point[0])

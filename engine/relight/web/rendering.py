"""Templates to HTML: everything that is not a template's own words is escaped, and there is one way out of that.

What was drawn by ``charts`` is markup already; it escapes what it was given itself.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from relight.charts import STYLE as CHARTS_STYLE
from relight.charts.paper_html import PAPER_STYLE
from relight.control.wording import argument, arguments, counted, figure, from_instant, listed, now_ms, rough, span

FOLDER = Path(__file__).parent
STATIC = {
    "page.css": "text/css; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "clock.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""What is served as it is; nothing else of the folder is."""
STAMP_CHARS = 12


class Asset(NamedTuple):
    """One file that browsers keep: its bytes, its type, and a stamp that changes when it does."""

    content: bytes
    media_type: str
    stamp: str


@cache
def asset(name: str) -> Asset | None:
    """Return a static file of ours, None if there is none of that name."""
    if name not in STATIC:
        return None
    content = (FOLDER / "static" / name).read_bytes()
    if name == "page.css":
        content += f"{CHARTS_STYLE}{PAPER_STYLE}".encode()
    return Asset(content, STATIC[name], hashlib.sha256(content).hexdigest()[:STAMP_CHARS])


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "figure": lambda check: figure(check["value"], check["unit"]) if check["at"] else "not read yet",
        "in_unit": figure,
        "span": span,
        "rough": rough,
        "listed": lambda words, last="and": listed(list(words), last),
        "counted": counted,
        "args": lambda value: arguments(value, chars=200),
        "argument": argument,
        "ago": ago,
        "left": left,
        "sentence": _sentence,
        "clock": _clock,
        "day": _day,
    }
    made.globals["static"] = _static
    return made


def render(template: str, context: Mapping[str, Any]) -> str:
    """Return a template filled in."""
    return _environment().get_template(template).render(context)


def drawn(markup: str) -> Markup:
    """Return a drawing of ours as what it is; never for anything that came from outside."""
    return Markup(markup)  # noqa: S704


def ago(at: str | None) -> str:
    """Return how long ago an instant was."""
    then = from_instant(at)
    return "" if then is None else rough(max(0, now_ms() - then))


def left(at: str | None) -> str:
    """Return how long it is until an instant."""
    then = from_instant(at)
    return "" if then is None else span(max(0, then - now_ms()))


def _static(name: str) -> str:
    found = asset(name)
    assert found is not None, f"{name} is a file of ours"
    return f"/static/{name}?v={found.stamp}"


def _sentence(text: str) -> str:
    """Return it with its first letter large, unless that is a command's."""
    return text if text.startswith(("relight ", "`")) else text[:1].upper() + text[1:]


def _clock(at: str | None) -> str:
    return "" if not at else at[11:19]


def _day(at: str | None) -> str:
    return "" if not at else f"{at[:10]} {at[11:16]}"

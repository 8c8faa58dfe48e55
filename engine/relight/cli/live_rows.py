"""Rows that several blocks of the live view share: a label, a check with its curve, an effect in force."""

from collections.abc import Mapping, Sequence
from typing import Any

from relight.cli.terminal import Line, Span, clean, columns, cut, line, pad
from relight.control.wording import figure, from_instant, rough, span, spoken

LABEL = 12
"""Columns of the label at the left of every row, as in ``IN FORCE    ``."""
NARROW = 100
"""Below it a row says the least that is needed; from it on there is room for more."""
VERDICTS = {
    "pass": ("pass", "good"),
    "fail": ("fails", "bad"),
    "neutral": ("not yet", "warn"),
    "inconclusive": ("no data", "warn"),
    None: ("no word yet", "dim"),
}


def row(label: str, *parts: str | Span) -> Line:
    """Return a row with its label; a label in capitals stands out, others are indented."""
    if label.isupper():
        return line(Span(pad(label, LABEL), "bold"), *parts)
    return line(Span(pad(f"  {label}", LABEL), "dim"), *parts)


def age(text: str | None, now: int) -> int:
    """Return the milliseconds since that instant; 0 where there is none or it lies ahead."""
    then = from_instant(text)
    return 0 if then is None else max(0, now - then)


def until(text: str | None, now: int) -> str:
    """Return the time that is left until that instant."""
    then = from_instant(text)
    return "-" if then is None else span(then - now)


def check_row(label: str, check: Mapping[str, Any], width: int, now: int) -> Line:
    """Return one check: its value against its criterion, its verdict and for how long, its curve, the worst."""
    word, style = VERDICTS.get(check["verdict"], (str(check["verdict"]), ""))
    for_how_long = f" {rough(age(check['since'], now))}" if check["since"] else ""
    value = _reading(check)
    name, reading, against, verdict, samples = (14, 7, 8, 12, 8) if width < NARROW else (26, 10, 13, 14, 24)
    worst = check.get("worst")
    tail = "" if worst is None or check["verdict"] is None else f"worst {figure(worst, check['unit'])}"
    if check["verdict"] == "inconclusive" and check["detail"]:
        tail = check["detail"]
    return row(
        label,
        pad(check["id"], name),
        " ",
        Span(pad(value, reading), "bold"),
        " ",
        pad(check["criterion"], against - 1),
        " ",
        Span(pad(word + for_how_long, verdict), style),
        pad(curve(check, samples), samples),
        "  ",
        tail,
    )


def _reading(check: Mapping[str, Any]) -> str:
    """Return the newest value; what has many parts is judged as a whole, and no part of it is the figure."""
    value = check["value"]
    if not check["at"] or isinstance(value, Mapping | list):
        return "-"
    if value is None and check["verdict"] not in {None, "inconclusive"}:
        return "-"
    return figure(value, check["unit"])


def curve(check: Mapping[str, Any], width: int) -> str:
    """Return the newest samples as a curve of ``.``, ``:`` and ``|``; ``?`` is no data.

    Its height is the criterion's limit, or the highest sample where that is more.
    """
    recent: Sequence[tuple[Any, str]] = check.get("recent") or ()
    numbers = [abs(value) for value, _ in recent if _is_number(value)]
    if not any(_is_number(value) or isinstance(value, bool) for value, _ in recent):
        return "" if all(kind == "value" for _, kind in recent) else "?" * len(recent[-width:])
    top = max([*numbers, abs(check.get("limit") or 0)], default=0)
    return "".join(_level(value, top) for value, _ in recent[-width:])


def _level(value: Any, top: float) -> str:
    if isinstance(value, bool):
        return "|" if value else "."
    if not _is_number(value):
        return "?"
    share = abs(value) / top if top else 0
    return "." if share < 1 / 3 else ":" if share < 2 / 3 else "|"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def effect_rows(effects: Sequence[Mapping[str, Any]], width: int, now: int, most: int) -> list[Line]:
    """Return the effects in force, the newest *most* of them; the rest is counted."""
    if not effects:
        return [row("IN FORCE", Span("nothing", "dim"))]
    rows = []
    shown = effects if len(effects) <= most else [effect for effect in effects if _is_watched(effect)][-most:]
    rest = [effect["step"] for effect in effects if effect not in shown]
    if not shown:
        return [row("IN FORCE" if number == 0 else " ", text) for number, text in enumerate(_named(rest, width))]
    seen_room = 16 if any(_seen(effect, now) for effect in shown) else 0
    fate_room = max(len(effect["when_undone"]) for effect in shown)
    what_room = width - LABEL - seen_room - fate_room - 2
    for number, effect in enumerate(shown):
        seen = pad(_seen(effect, now), seen_room)
        rows.append(
            row(
                "IN FORCE" if number == 0 else " ",
                pad(_what(effect, width), what_room),
                "  ",
                Span(seen, "warn" if effect["observe_error"] or "DIFFERS" in seen else ""),
                Span(effect["when_undone"], "dim"),
            )
        )
    return rows + ([row(" ", text) for text in _named(rest, width)] if rest else [])


def _is_watched(effect: Mapping[str, Any]) -> bool:
    """Return whether an effect keeps its row however many there are: it protects, is observed, or is not sure."""
    return bool(effect["protective"] or not effect["sure"] or effect["observed_at"] or effect["observe_error"])


def _named(steps: Sequence[str], width: int) -> list[str]:
    return paragraph(f"{'; '.join(steps)} (see relight effects)", width - LABEL)


def _what(effect: Mapping[str, Any], width: int) -> str:
    """Return the step, which other commands name, and what it put in force."""
    value = effect["value"] if isinstance(effect["value"], Mapping) else {}
    said = ", ".join(spoken(name, each) for name, each in value.items() if each is not None)
    sure = "" if effect["sure"] else "PERHAPS "
    action = f"{effect['action']} " if width >= NARROW else ""
    return f"{sure}{effect['step']}  {action}{said}".rstrip()


def _seen(effect: Mapping[str, Any], now: int) -> str:
    if effect["observe_error"]:
        return "cannot be seen"
    if effect["observed_at"] is None:
        return ""
    ago = rough(age(effect["observed_at"], now))
    return f"seen {ago} ago" if _same(effect["observed"], effect["value"]) else f"DIFFERS {ago} ago"


def _same(observed: Any, value: Any) -> bool:
    """Return whether what was seen is what was done, as far as both say it in plain words and figures.

    A value may name more than was asked, and the world may write a duration in its own way.
    """
    if not isinstance(observed, Mapping) or not isinstance(value, Mapping):
        return observed is None or observed == value
    return all(
        observed[key] == item
        for key, item in value.items()
        if isinstance(item, int | float | str) and isinstance(observed.get(key), int | float | str)
    )


def wrapped(words: Sequence[Span], width: int, gap: str = "  ") -> list[Line]:
    """Return words on as many lines as they need."""
    lines: list[Line] = []
    current: list[Span] = []
    used = 0
    for word in words:
        size = columns(clean(word.text))
        if current and used + len(gap) + size > width:
            lines.append(tuple(current))
            current, used = [], 0
        if current:
            current.append(Span(gap))
            used += len(gap)
        current.append(word)
        used += size
    return [*lines, tuple(current)] if current else lines


def paragraph(text: str, width: int) -> list[str]:
    """Return *text* broken into lines of at most *width* columns."""
    lines: list[str] = []
    for word in clean(text).split(" "):
        if lines and columns(lines[-1]) + 1 + columns(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(cut(word, width))
    return lines


class Moment:
    """What every block is given: the document, who reads it, the width and the time."""

    __slots__ = ("document", "name", "now", "viewer", "width")

    def __init__(self, document: Mapping[str, Any], *, width: int, now: int, name: str, viewer: str) -> None:
        self.document = document
        self.width = width
        self.now = now
        self.name = name
        self.viewer = viewer

    @property
    def stage(self) -> Mapping[str, Any] | None:
        """The stage at which the run stands."""
        current = self.document["stage"]
        return next((stage for stage in self.document["stages"] if stage["id"] == current), None)

    def effect(self, key: str) -> Mapping[str, Any]:
        """Return the effect in force under that key of the ledger, nothing where there is none."""
        return next((each for each in self.document["effects_in_force"] if each["key"] == key), {})

    def step_of(self, subject: str) -> str:
        """Return what people call a hold's subject: an effect by its step, anything else as it is."""
        return str(self.effect(subject).get("step", subject))

    def texts(self, label: str, text: str, style: str = "") -> list[Line]:
        """Return a row with as many lines as *text* needs."""
        parts = paragraph(text, self.width - 12)
        return [row(label if number == 0 else " ", Span(part, style)) for number, part in enumerate(parts)]

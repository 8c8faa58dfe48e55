"""A rehearsal as people read it: a line a decision, how it ended, and what was not rehearsed."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from relight.cli.live_rows import paragraph
from relight.cli.rehearse_compare import cost
from relight.cli.rehearse_drawing import chart_lines
from relight.cli.terminal import Line, Span, line, pad, terminal_width
from relight.control.rehearsing import Played
from relight.control.sentences import sentence
from relight.control.wording import arguments, counted, listed, plain_value, span

if TYPE_CHECKING:
    from relight.kernel.state import Run

STAGE_WIDTH = 14
LABEL_WIDTH = 11
PARAGRAPH_MIN = 40
_LEFT_OUT = ("StepPrepared", "EffectInForce", "UndoEnded")
_GOOD = ("StageVerified", "GateOpened")
_LOUD = ("GateAsked",)
_BAD = ("Held", "GuardBreached", "StepLost", "GateDenied", "GateExpired", "RequestRefused", "UndoFailed")


def story_lines(played: Played, where: str, seed: int) -> Iterator[Line | str]:
    """Yield the whole rehearsal."""
    world = f"its simulation plays the world, seed {seed}" if played.simulation is not None else _WORLDS[played.world]
    yield line(Span(pad("REHEARSAL", 11), "bold"), f"{played.plan.runbook} at {where}; {world}")
    if played.plan.pace > 1:
        yield line(pad("", 11), f"everything that only waits goes {played.plan.pace:g} times as fast there")
    if played.name:
        yield line(pad("", 11), f"{played.name}{f': {played.title}' if played.title else ''}")
    yield ""
    yield from _timeline(played)
    yield ""
    yield from chart_lines(played, where, seed)
    yield from ending_lines(played)


_WORLDS = {
    "calm": "everything goes well unless the script says otherwise",
    "observed": "readings are real, of this moment, and nothing is written",
}


def _timeline(played: Played) -> Iterator[Line | str]:
    stage = ""
    for told in played.rehearsed.told:
        kind = type(told.fact).__name__
        if kind in (*_LEFT_OUT, "CheckTurned", "ProbeRead", "RunStarted") or getattr(told.fact, "epoch", 0) == 1:
            continue
        style = "good" if kind in _GOOD else "bad" if kind in _BAD else "bold" if kind in _LOUD else ""
        named = told.stage if told.stage != stage else ""
        stage = told.stage
        yield line(
            Span(f"{span(told.fact.t):>8}  ", "dim"),
            Span(pad(named, STAGE_WIDTH), "bold"),
            "  ",
            Span(sentence(told.fact), style),
        )


def ending_lines(played: Played) -> Iterator[Line | str]:
    """Yield how it ended, whether it should have, and what was not rehearsed."""
    rehearsed, run = played.rehearsed, played.rehearsed.run
    style = "good" if played.ok else "bad"
    after = f" after {span(rehearsed.duration_ms)}"
    yield line(Span(pad("ENDED", LABEL_WIDTH), "bold"), Span(run.state, style), after, _why(played))
    for hold in run.holds:
        yield from _block("", f"held for {hold.code} at {hold.step or hold.stage}: {hold.text}")
    if played.simulation is not None:
        yield from _block("COST", "; ".join(f"{label} {value}" for label, value in cost(played)[:-1]))
    if run.ledger:
        yield from _block("IN FORCE", listed([_effect(entry) for entry in run.ledger.values()]))
    for number, why in enumerate(played.unmet):
        yield from _block("" if number else "BUT", why, "bad")
    if played.checked:
        yield from _block("CHECKED", f"{listed(played.checked)} went through their check mode there")
    for number, text in enumerate(_not_rehearsed(played)):
        yield from _block("" if number else "NOT REHEARSED", text, indent=15)
    for text in played.aside:
        yield from _block("ASIDE", text)


def _block(label: str, text: str, style: str = "", *, indent: int = LABEL_WIDTH) -> Iterator[Line]:
    """Yield a labelled paragraph."""
    width = max(terminal_width(sys.stdout) - indent, PARAGRAPH_MIN)
    for number, part in enumerate(paragraph(text, width)):
        yield line(Span(pad("" if number else label, indent), "bold"), Span(part, style))


def _why(played: Played) -> str:
    match played.rehearsed.ending:
        case "stands still" if played.rehearsed.run.state == "running":
            return ", waiting for what never comes"
        case "stands still":
            return ", waiting for people who have nothing more to say"
        case "broken off":
            return ", and was broken off there"
        case _:
            return ""


def _effect(entry: Any) -> str:
    value = arguments(plain_value(entry.value), chars=30)
    return f"{entry.step} ({value})" if value else str(entry.step)


def _not_rehearsed(played: Played) -> Iterator[str]:
    """Yield what was not rehearsed, steps of one reason together."""
    reasons: dict[str, list[str]] = {}
    for each in played.not_rehearsed:
        reasons.setdefault(each["why"], []).append(each["step"])
    for why, steps in reasons.items():
        yield f"{listed(steps)}: {why}"


def verdict_line(played: Played, width: int) -> Line:
    """Return one line of a list of rehearsals."""
    run = played.rehearsed.run
    word = Span(pad("ok" if played.ok else "FAIL", 6), "good" if played.ok else "loud")
    return line(word, pad(played.name, width + 2), pad(_state(run), 20), f"{span(played.rehearsed.duration_ms):>8}")


def _state(run: "Run") -> str:
    return f"{run.state} {run.holds[0].code}" if run.holds else run.state


def all_lines(plays: list[Played], took_s: float) -> Iterator[Line | str]:
    """Yield a line for each of several rehearsals, and under it what is not as it should be."""
    width = max((len(played.name) for played in plays), default=0)
    for played in plays:
        yield verdict_line(played, width)
        for why in played.unmet:
            yield line(pad("", 6), Span(why, "bad"))
    bad = sum(not played.ok for played in plays)
    yield ""
    ended = "all as they should" if not bad else f"{bad} of them not as they should"
    yield f"{counted(len(plays), 'rehearsal')}: {ended}, in {took_s:.1f} s"

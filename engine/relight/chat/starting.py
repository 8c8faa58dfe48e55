"""Starting a run from a chat: which one, its inputs in a form, the plan, and only then the start."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from relight.chat import forms
from relight.chat.channel import ChannelError, Code, Heard, Refused, one_line
from relight.control.planning import in_one_sentence
from relight.control.reception import INPUT_CHARS_MAX, Wanted
from relight.errors import NotPermitted, RelightError, RunbookError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from relight.chat.channel import Channel
    from relight.control.identities import Caller
    from relight.control.reception import Reception

T = TypeVar("T")

STATE_CHARS_MAX = 2_500
"""What a form carries along; inputs that are longer are given on the page."""
WRONG_MAX = 8
"""Mistakes told at once; whoever mends so many is told the next ones then."""


class Listens(Protocol):
    """What starting needs of whoever heard."""

    @property
    def reception(self) -> Reception: ...

    @property
    def channel(self) -> Channel: ...

    def decided(self) -> None:
        """Say that something may have changed."""
        ...

    async def do(self, work: Callable[[], T]) -> T:
        """Return what *work* returns, from a thread."""
        ...


async def choose(hearing: Listens, heard: Heard, caller: Caller, name: str) -> None:
    """Show the inputs of what was named, or ask which of the published runbooks."""
    entries = await hearing.do(lambda: _entries(hearing, caller))
    if name:
        entries = [_named(entries, name)]
    if not entries:
        raise UsageError(
            "nothing is published that you could start", hint="`published` in the site's document says what"
        )
    form = forms.inputs_form(entries[0]) if len(entries) == 1 else forms.choose_form(entries)
    await hearing.channel.show(heard, form)


async def chosen(hearing: Listens, heard: Heard, caller: Caller) -> None:
    """Show the inputs of what was chosen."""
    name, _, site = str(heard.fields.get("which", "")).partition(" @ ")
    entry = await hearing.do(lambda: _entry(hearing, caller, site, name))
    await hearing.channel.show(heard, forms.inputs_form(entry))


async def planned(hearing: Listens, heard: Heard, caller: Caller) -> None:
    """Show the plan that these inputs give, or the same form again with what is wrong."""
    site, name = str(heard.state.get("site", "")), str(heard.state.get("published", ""))
    entry = await hearing.do(lambda: _entry(hearing, caller, site, name))
    inputs, wrong = _inputs(entry, heard.fields)
    state = {"site": site, "published": name, "inputs": json.dumps(inputs, separators=(",", ":"), ensure_ascii=False)}
    # Measured as it is carried: what stands in quotes twice is longer than what was typed.
    if len(json.dumps(state, ensure_ascii=False)) > STATE_CHARS_MAX:
        wrong.append("these inputs are too long for a chat; start it on the page or the host")
    try:
        plan = await hearing.do(lambda: hearing.reception.plan(caller, Wanted(site, name, inputs)))
        if not wrong:
            await hearing.channel.show(heard, forms.plan_form(plan, state=state))
            return
    except NotPermitted:
        raise
    except RelightError as error:
        wrong += _mistakes(error)
    except Refused as error:
        wrong.append(f"{error}; start it on the page or the host")
    told = "\n".join(one_line(text, 300) for text in wrong[:WRONG_MAX])
    await hearing.channel.show(heard, forms.inputs_form(entry, wrong=told, given=heard.fields))


async def started(hearing: Listens, heard: Heard, caller: Caller) -> None:
    """Start what was planned and looked at, and nothing else."""
    state = heard.state
    wanted = Wanted(
        str(state.get("site", "")),
        str(state.get("published", "")),
        _carried(str(state.get("inputs", ""))),
        confirm=str(heard.fields.get("confirm", "")).strip(),
        plan_digest=str(state.get("digest", "")) or "-",
    )
    run = await hearing.do(lambda: hearing.reception.start(caller, wanted, key=heard.deed))
    await tell_started(hearing, heard, run, f"{wanted.published} on {wanted.site}")


async def tell_started(hearing: Listens, heard: Heard, run: str, what: str) -> None:
    """Tell whoever started a run, whatever became of their form: who hears nothing of it starts a second one."""
    hearing.decided()
    with suppress(ChannelError):
        await hearing.channel.show(heard, forms.said_form(f"Run {run} is started. Its message appears in the channel."))
    with suppress(ChannelError):
        await hearing.channel.whisper(heard, (f"You started {what}: run ", Code(run)))


def _entries(hearing: Listens, caller: Caller) -> list[dict[str, Any]]:
    found = hearing.reception.published(caller)["published"]
    return [entry for entry in found if entry["may_start"] and entry["inputs"] is not None]


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    fitting = [entry for entry in entries if entry["published"] == name]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(entry["published"] for entry in entries) or "nothing"
    raise UsageError(f"nothing that you may start is published as {name!r}", hint=f"you may start {known}")


def _entry(hearing: Listens, caller: Caller, site: str, name: str) -> dict[str, Any]:
    return _named([entry for entry in _entries(hearing, caller) if entry["site"] == site], name)


def _inputs(entry: Mapping[str, Any], fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what was filled in, as values of the inputs' types where it is one, and what is too long.

    What was left empty keeps its default; what is of another type is complained of by the plan, with all the rest.
    """
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for spec in entry["inputs"]:
        text = str(fields.get(spec["id"]) or "").strip()
        if len(text) > INPUT_CHARS_MAX:
            wrong.append(f"{spec['id']} is longer than {INPUT_CHARS_MAX} characters; shorten it")
        if text:
            found[spec["id"]] = _typed(spec, text[:INPUT_CHARS_MAX])
    return found, wrong


def _mistakes(error: RelightError) -> list[str]:
    """Return everything that is wrong with the inputs, as one sentence each."""
    complaints: Sequence[Any] = error.complaints if isinstance(error, RunbookError) else ()
    if not complaints:
        return [in_one_sentence(error)]
    errors = [each for each in complaints if each.severity == "error"] or complaints
    return ["; ".join(text for text in (each.message, each.hint) if text) for each in errors]


def _typed(spec: Mapping[str, Any], text: str) -> Any:
    try:
        match spec["type"]:
            case "integer":
                return int(text)
            case "number" | "percent":
                number = float(text.removesuffix("%"))
                return int(number) if number == int(number) else number
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case "choice":
                return next((choice for choice in spec["choices"] or () if str(choice) == text), text)
            case _:
                return text
    except (ValueError, OverflowError, KeyError):
        return text


def _carried(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError("this form lost its inputs", hint="begin again")
    return found

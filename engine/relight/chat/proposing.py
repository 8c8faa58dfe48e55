"""What alerts propose, in a chat: a message with what would be started; a person looks at the plan, and begins it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from relight.chat import forms
from relight.chat.channel import Button, Code, Heard, Message, Row, Time, one_line
from relight.chat.messages import value_of
from relight.chat.starting import Listens, tell_started
from relight.control import proposals
from relight.control.wording import from_instant
from relight.errors import UsageError

if TYPE_CHECKING:
    from relight.control.identities import Caller

PREFIX = "proposal-"
LABELS_MAX = 6


def is_proposal(name: str) -> bool:
    """Return whether a button or a form is about a proposal, and not about a run."""
    return name.startswith(PREFIX)


def proposal_message(entry: Mapping[str, Any], *, nonce: str) -> Message:
    """Return the message of a proposal: what the alert says, and what would be started; or what became of it."""
    state = str(entry["state"])
    inputs = ", ".join(f"{name}={value}" for name, value in entry["inputs"].items())
    labels = [f"{name}={value}" for name, value in sorted(entry["labels"].items())][:LABELS_MAX]
    more = int(entry.get("alerts", 1)) - 1
    alike = f" (and {more} more like it; {entry['firing']} fire now)" if more else ""
    rows = [
        Row("Alert", ((one_line(entry["summary"]) or "it says nothing more") + alike,)),
        Row("Labels", (one_line(", ".join(labels)),)),
        Row("Would start", (Code(entry["published"]), one_line(f"  {inputs}"))),
    ]
    if entry["missing_labels"]:
        rows.append(Row("Lacks", (one_line(", ".join(entry["missing_labels"])),)))
    if state != "proposed":
        by = f" by {one_line(entry['by'], 80)}" if entry.get("by") else ""
        run = f" as run {entry['run']}" if entry.get("run") else ""
        why = f": {one_line(entry['reason'])}" if entry.get("reason") else ""
        rows.append(Row("Now", (f"{state.upper()}{by}{run}{why}",)))
    about = value_of(f"{PREFIX}{entry['id']}", "", "", nonce)
    buttons = (Button("look", "Look at the plan", about), Button("dismiss", "Dismiss, say why", about))
    return Message(
        head=f"{str(entry['site']).upper()}: an alert proposes {entry['published']}",
        aside=(Code(entry["id"]), "  ", Time(from_instant(entry["proposed_at"]) or 0)),
        rows=tuple(rows),
        buttons=buttons if state == "proposed" else (),
        matters=state,
    )


async def look(hearing: Listens, heard: Heard, caller: Caller, name: str) -> None:
    """Show the plan of what is proposed, with the button that begins it, or what keeps it from being planned."""
    found = await hearing.do(lambda: proposals.proposal(hearing.reception, caller, name.removeprefix(PREFIX)))
    if found["plan"] is None:
        await hearing.channel.show(heard, forms.said_form(f"It cannot be started like this: {found['problem']}"))
        return
    form = forms.plan_form(found["plan"], state={"proposal": found["id"]}, name="begin")
    await hearing.channel.show(heard, form)


async def begun(hearing: Listens, heard: Heard, caller: Caller) -> None:
    """Begin what was looked at, and nothing else; of two who do, one does."""
    run = await hearing.do(
        lambda: proposals.begin(
            hearing.reception,
            caller,
            str(heard.state.get("proposal", ""))[:40],
            confirm=str(heard.fields.get("confirm", "")).strip(),
            plan_digest=str(heard.state.get("digest", "")) or "-",
        )
    )
    await tell_started(hearing, heard, run, "what an alert proposed")


async def dismissed(hearing: Listens, heard: Heard, caller: Caller, name: str, reason: str) -> None:
    """Dismiss what is proposed, with a reason."""
    if not is_proposal(name):
        raise UsageError("this form is none of relight's")
    await hearing.do(lambda: proposals.dismiss(hearing.reception, caller, name.removeprefix(PREFIX), reason=reason))
    hearing.decided()
    await hearing.channel.whisper(heard, ("It is dismissed; the list keeps it, with your reason.",))

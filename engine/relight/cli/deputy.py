"""Who answers in a drill: you at the terminal, and a scripted deputy for what you may not."""

import select
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from relight.cli.live_rows import LABEL, paragraph
from relight.cli.terminal import Line, Span, clean, line, may_prompt, pad, terminal_width
from relight.control.finding import find_run
from relight.control.requests import Asking, ask
from relight.control.wording import listed
from relight.errors import Locked

if TYPE_CHECKING:
    from relight.cli.following import Follower

DEPUTY = "deputy"
REASON = "drill"
THINKS_S = 1.0
"""How long the deputy looks at a gate that could open, so that whoever watches sees it before it does."""
NOT_YET = frozenset({"", "n", "no"})
WORD_SHOWN_MAX = 20
PROMPT_WORDS = {"y": "approve", "yes": "approve", "s": "skip", "skip": "skip", "d": "deny", "deny": "deny"}


class Answerer:
    """Answers gates while a drill is followed.

    Args:
        auto: The deputy approves every gate once its required checks pass.
        resume: Starts another driver; with *auto* the deputy does it when one is gone.
    """

    def __init__(self, *, auto: bool, resume: Callable[[], object] = lambda: None) -> None:
        self.auto = auto
        self._resume = resume
        self._resumed_after: int = -1
        self._prompting = not auto and may_prompt()
        self._passing_since: dict[str, float] = {}
        self._not_understood = ""

    def __call__(self, follower: "Follower") -> None:
        """Look at the run and answer what there is to answer."""
        follower.prompt = ""
        follower.footer = []
        if follower.driver_gone:
            self._without_driver(follower)
            return
        if follower.run.state not in {"waiting", "held"}:
            return
        document = follower.document()
        if document["gate"] is not None and document["waiting_on"]["kind"] == "gate":
            self._at_gate(follower, document["gate"])
        elif self._prompting and document["waiting_on"]["kind"] == "hold":
            self._at_hold(follower, document)

    def _without_driver(self, follower: "Follower") -> None:
        if not self.auto:
            follower.footer = told(f"Its driver is gone. From a second terminal: relight resume {follower.name}")
        elif self._resumed_after != follower.run.epoch:
            self._resumed_after = follower.run.epoch
            follower.footer = told("Its driver is gone; the deputy resumes it.")
            with suppress(Locked):  # somebody else was quicker
                self._resume()

    # -- gates

    def _at_gate(self, follower: "Follower", gate: Mapping[str, Any]) -> None:
        ticket = gate["ticket"]
        you_may = follower.viewer in gate["may"]
        waiting_for = [check["id"] for check in gate["require"] if check["verdict"] != "pass"]
        if self._deputy_answers(gate, you_may):
            if self._could_open(ticket, waiting_for):
                self._say(follower, Asking("approve", ticket=ticket, reason=REASON), person=DEPUTY)
            else:
                looks = f"once {listed(waiting_for)} passes" if waiting_for else "in a moment"
                follower.footer = told(f"The deputy, who may, approves it {looks}.")
            return
        if not you_may:
            return
        if not self._prompting:
            follower.footer = told("Nobody can be asked here any more; decide from a second terminal.")
            return
        if self._not_understood:
            follower.footer = told(f"{self._not_understood!r} is no answer; Enter alone is not yet.")
        elif waiting_for:
            follower.footer = told(f"You may approve it now; it opens by itself once {listed(waiting_for)} pass.")
        else:
            follower.footer = told("You may open it: every required check passes.")
        skip = "  [s]kip" if gate["optional"] else ""
        follower.prompt = f"Approve {ticket}?  [y]es  [N]ot yet{skip}  [d]eny, then Enter: "
        typed = self._typed(follower)
        verb = PROMPT_WORDS.get((typed or "").lower(), "")
        if typed is not None:
            self._not_understood = "" if verb or typed.lower() in NOT_YET else clean(typed)[:WORD_SHOWN_MAX]
        if verb == "skip" and gate["optional"]:
            self._say(follower, Asking("skip", subject=gate["stage"], reason=REASON), person=follower.viewer)
        elif verb in {"approve", "deny"}:
            self._say(follower, Asking(verb, ticket=ticket, reason=REASON), person=follower.viewer)

    def _deputy_answers(self, gate: Mapping[str, Any], you_may: bool) -> bool:
        if DEPUTY not in gate["may"]:
            return False
        voted = any(vote["counts"] for vote in gate["approvals"])
        return self.auto or not you_may or voted

    def _could_open(self, ticket: str, waiting_for: list[str]) -> bool:
        if waiting_for:
            self._passing_since.pop(ticket, None)
            return False
        since = self._passing_since.setdefault(ticket, time.monotonic())
        return time.monotonic() - since >= THINKS_S

    # -- holds

    def _at_hold(self, follower: "Follower", document: Mapping[str, Any]) -> None:
        choices = [choice for choice in document["choices"] if follower.viewer in choice["may"] or not choice["roles"]]
        words = [f"[{number}] {choice['verb']} {choice['words']}".rstrip() for number, choice in enumerate(choices, 1)]
        follower.footer = told("  ".join(words))
        follower.prompt = f"Your choice, 1 to {len(words)}, then Enter: "
        typed = self._typed(follower)
        if typed and typed.isdigit() and 1 <= int(typed) <= len(choices):
            self._say(follower, asking_of(choices[int(typed) - 1]), person=follower.viewer)

    # -- asking and being told

    def _typed(self, follower: "Follower") -> str | None:
        """Return the line that was typed since the last look, None where there was none."""
        follower.show_prompt()
        ready, _, _ = select.select([sys.stdin], [], [], 0)
        if not ready:
            return None
        text = sys.stdin.readline()
        if not text:
            self._prompting = False
            follower.prompt = ""
            return None
        follower.entered()
        return text.strip()

    def _say(self, follower: "Follower", asking: Asking, *, person: str) -> None:
        row = find_run(follower.journal, follower.run_id)
        answered = ask(follower.journal, row, asking, person=person, door="drill")
        if not answered.answer.ok:
            follower.footer = told(answered.answer.text)


def asking_of(choice: Mapping[str, Any]) -> Asking:
    """Return the request that a choice of a status document stands for."""
    verb, words = choice["verb"], choice["words"]
    first, _, rest = words.partition(" ")
    match verb:
        case "approve" | "deny":
            return Asking(verb, ticket=first, reason=REASON)
        case "mark":
            return Asking(verb, subject=first, value=rest, reason=REASON)
        case "ramp":
            return Asking(verb, value=first, reason=REASON)
        case "undo" if first == "--to":
            return Asking(verb, value=rest, reason=REASON)
        case _:
            return Asking(verb, subject=first, reason=REASON)


def told(text: str) -> list[Line]:
    """Return what the drill says, on as many lines as it needs."""
    parts = paragraph(text, terminal_width(sys.stderr) - LABEL)
    labels = ["DRILL", *([""] * len(parts))]
    return [line(Span(pad(label, LABEL), "calm"), part) for label, part in zip(labels, parts, strict=False)]

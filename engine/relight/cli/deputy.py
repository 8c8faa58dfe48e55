"""Who answers in a drill: you at the terminal, and a scripted deputy for what you may not."""

import select
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from relight.cli.terminal import Line, Span, line, may_prompt
from relight.control.finding import find_run
from relight.control.requests import Asking, ask
from relight.control.wording import listed

if TYPE_CHECKING:
    from relight.cli.following import Follower

DEPUTY = "deputy"
REASON = "drill"
THINKS_S = 1.0
"""How long the deputy looks at a gate that could open, so that whoever watches sees it before it does."""
PROMPT_WORDS = {"y": "approve", "yes": "approve", "s": "skip", "skip": "skip", "d": "deny", "deny": "deny"}


class Answerer:
    """Answers gates while a drill is followed.

    Args:
        auto: The deputy approves every gate once its required checks pass.
    """

    def __init__(self, *, auto: bool) -> None:
        self.auto = auto
        self._prompting = not auto and may_prompt()
        self._passing_since: dict[str, float] = {}
        self._said: dict[str, str] = {}

    def __call__(self, follower: "Follower") -> None:
        """Look at the run and answer what there is to answer."""
        document = follower.document() if follower.run.state in {"waiting", "held"} else None
        follower.prompt = ""
        follower.footer = []
        if document is None:
            return
        if document["gate"] is not None and document["waiting_on"]["kind"] == "gate":
            self._at_gate(follower, document["gate"])
        elif self._prompting and document["waiting_on"]["kind"] == "hold":
            self._at_hold(follower, document)

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
                follower.footer = [_told(f"The deputy, who may, approves it {looks}.")]
            return
        if not (self._prompting and you_may):
            return
        follower.footer = [
            _told(f"You may open it. {listed(waiting_for)} must pass first, and then it opens by itself.")
            if waiting_for
            else _told("You may open it: every required check passes.")
        ]
        skip = "  [s]kip" if gate["optional"] else ""
        follower.prompt = f"Approve {ticket}?  [y]es  [N]ot yet{skip}  [d]eny, then Enter: "
        verb = PROMPT_WORDS.get((self._typed(follower) or "").lower(), "")
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
        follower.prompt = f"{'  '.join(words)}, then Enter: "
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
        told = ask(follower.journal, row, asking, person=person, door="drill")
        if not told.answer.ok:
            follower.footer = [_told(told.answer.text)]


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


def _told(text: str) -> Line:
    return line(Span("DRILL       ", "calm"), text)

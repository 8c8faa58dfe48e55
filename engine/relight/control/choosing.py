"""What may be said to a run now, as commands that can be typed as they stand."""

from collections.abc import Mapping
from typing import Any

from relight.control.people import deciders, holders
from relight.kernel.choices import Choice, choices, seldom
from relight.kernel.state import Run

REASON = "'...'"
"""Stands where the person has to say why."""


TAKE_OVER = Choice(
    verb="resume",
    words="",
    leads_to="starts a driver, which first finds out what became of what was under way, and goes on",
    who="known",
)
"""What comes first where nobody drives: a driver is nothing that a plan knows of, so no hold says it."""


def choice_entries(run: Run, name: str, *, driven: bool = True) -> list[dict[str, Any]]:
    """Return the verbs that people are asked for, the likeliest first, each with who may say it and where it leads."""
    found = choices(run)
    if not driven and run.outcome is None:
        found = (TAKE_OVER, *(choice for choice in found if choice.verb != "resume"))
    return [_entry(run, choice, name) for choice in found]


def seldom_entries(run: Run, name: str) -> list[dict[str, Any]]:
    """Return the verbs that are legal besides."""
    return [_entry(run, choice, name) for choice in seldom(run)]


def is_risky(gate: Mapping[str, Any]) -> bool:
    """Return whether a gate lets something happen that cannot be taken back: its approval, where asked for, says why.

    Args:
        gate: As a run's document has it.
    """
    return any(will["effect"] == "destructive" for will in gate["will"])


def command_for(choice: Choice, name: str) -> str:
    """Return the command that says it."""
    words = ["relight", choice.verb, name, choice.words, f"--reason {REASON}" if choice.needs_reason else ""]
    return " ".join(word for word in words if word)


def _entry(run: Run, choice: Choice, name: str) -> dict[str, Any]:
    if choice.who == "anybody":
        able: tuple[str, ...] = ()
    elif choice.roles:
        able = holders(choice.roles, run.people)
    else:
        able = deciders(run)
    if choice.verb == "approve":
        able = _may_approve(run, able)
    return {
        "command": command_for(choice, name),
        "verb": choice.verb,
        "words": choice.words,
        "leads_to": choice.leads_to,
        "who": choice.who,
        "roles": list(choice.roles),
        "may": list(able),
        "needs_reason": choice.needs_reason,
        "safe": choice.safe,
    }


def _may_approve(run: Run, able: tuple[str, ...]) -> tuple[str, ...]:
    gate = run.current.gate if run.current is not None else None
    voted = {vote.person for vote in run.ticket.votes} if run.ticket is not None else set()
    return tuple(
        person
        for person in able
        if person not in voted and (person != run.starter or (gate is not None and gate.approval.allow_self_approval))
    )

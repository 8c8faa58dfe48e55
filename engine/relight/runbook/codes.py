"""Every code that a complaint may carry, in one table: what it means and what it takes to mend it.

A code keeps its meaning for ever; a new meaning gets a new code.
RL1xx bytes and YAML, RL2xx keys and values, RL3xx expressions, RL4xx names, RL5xx sense, RL6xx the site and its plan,
RL7xx rehearsals.
"""

from typing import Literal, NamedTuple


class Code(NamedTuple):
    """What a code says, and whether it makes the document invalid."""

    severity: Literal["error", "warning"]
    title: str


def _error(title: str) -> Code:
    return Code("error", title)


def _warning(title: str) -> Code:
    return Code("warning", title)


CODES: dict[str, Code] = {
    "RL101": _error("the document cannot be opened"),
    "RL102": _error("the document is larger than 256 kB"),
    "RL103": _error("the document is not UTF-8"),
    "RL104": _error("an invisible character that changes how a line reads"),
    "RL105": _error("not YAML"),
    "RL106": _error("more than one document in a file"),
    "RL107": _error("the document is empty, or no mapping"),
    "RL108": _error("nested too deeply"),
    "RL109": _error("too many values"),
    "RL110": _error("a YAML tag"),
    "RL111": _error("an alias to itself, too many aliases, or a merge key"),
    "RL112": _error("a key given twice"),
    "RL113": _error("a key that is no text"),
    "RL114": _error("a number that no machine agrees on: too large, infinite or not a number"),
    "RL201": _error("an unknown key"),
    "RL202": _error("a missing key"),
    "RL203": _error("a value of the wrong type"),
    "RL204": _error("a value that is none of those allowed"),
    "RL205": _error("an id that is not formed as ids are"),
    "RL206": _error("not a duration"),
    "RL207": _error("a number out of range"),
    "RL208": _error("not the document or version that was expected"),
    "RL209": _error("keys that exclude or need each other"),
    "RL210": _error("a list or text too short or too long"),
    "RL301": _error("an expression that is not CEL"),
    "RL302": _error("an expression names something that does not exist"),
    "RL303": _error("an expression calls a function that does not exist or is not allowed"),
    "RL304": _error("an expression larger than its limits"),
    "RL305": _error("an expression that fails on every value it can meet"),
    "RL306": _error("a criterion that is not true or false"),
    "RL307": _error("an embedded expression that does not end, or an embedding where bare CEL belongs"),
    "RL308": _error("an expression names something that is not known yet at that point"),
    "RL401": _error("an id used twice"),
    "RL402": _error("a check that does not exist"),
    "RL403": _error("a step that does not exist, or not earlier"),
    "RL404": _error("a capability that does not exist"),
    "RL405": _error("an unknown argument"),
    "RL406": _error("a missing argument"),
    "RL407": _error("an argument with a wrong value"),
    "RL408": _error("an action where a probe belongs, or a probe where an action belongs"),
    "RL410": _warning("an input, check or probe that nothing uses"),
    "RL409": _error("a program that another step's output names"),
    "RL411": _warning("a capability that the project does not define: a provider of the site must bring it"),
    "RL501": _error("a ramp that does not rise from its floor"),
    "RL502": _error("a time limit shorter than the time that must pass within it"),
    "RL503": _warning("a breach_after shorter than the interval between samples"),
    "RL504": _error("a criterion that is always true or never true"),
    "RL505": _warning("pass_when and fail_when are true together"),
    "RL506": _warning("a criterion that its samples cannot express"),
    "RL507": _error("a destructive step whose arguments are not known when its gate asks"),
    "RL508": _warning("a destructive step in a stage without a gate"),
    "RL509": _error("a duration of zero where time must pass"),
    "RL510": _warning("a secret written out instead of a reference"),
    "RL511": _error("a gate that asks nobody"),
    "RL512": _error("an effect lowered below what its action declares"),
    "RL513": _error("a stage that does nothing"),
    "RL514": _warning("a guard that steps back where nothing is a ramp"),
    "RL515": _error("an undo that cannot work"),
    "RL516": _warning("an id that expressions cannot name"),
    "RL517": _warning("a ramp that nothing checks"),
    "RL518": _error("a password or a token written out instead of a reference"),
    "RL519": _warning("an objective that is no percentage"),
    "RL520": _error("a bot or an agent with what only people have"),
    "RL521": _error("an alert that proposes nothing, or an input with two values"),
    "RL522": _error("a chat from which nothing would be heard"),
    "RL523": _error("a criterion that divides what may be whole numbers"),
    "RL601": _error("a capability that the site does not bind"),
    "RL602": _error("a provider that the site does not configure"),
    "RL603": _error("a plugin that is not installed or does not work"),
    "RL604": _error("a provider that does not offer the capability"),
    "RL605": _error("a provider whose configuration its plugin refuses"),
    "RL606": _error("a query that the site does not define"),
    "RL607": _error("a gate that nobody at this site can open"),
    "RL608": _warning("a role or person that the site does not know"),
    "RL609": _error("targets that the site does not have"),
    "RL610": _error("an input without a value"),
    "RL611": _error("an input with a wrong value"),
    "RL612": _error("an unknown input"),
    "RL613": _error("an expression that fails on this site's values"),
    "RL614": _error("an undo that its provider cannot do"),
    "RL615": _error("a pace outside a practice site"),
    "RL616": _error("a limit that this site's queries cannot meet"),
    "RL617": _error("a simulation that is not installed, or that refuses its parameters"),
    "RL618": _warning("somebody whom nothing at this site can notify"),
    "RL701": _error("a rehearsal names something that the runbook or the site does not have"),
    "RL702": _error("a moment that never comes in a run"),
    "RL703": _error("a verb that nobody can say, or its words"),
    "RL704": _error("keys of a rehearsal that exclude or need each other"),
}


def table() -> str:
    """Return the table as Markdown, for the documentation."""
    rows = [f"| {code} | {entry.severity} | {entry.title} |" for code, entry in CODES.items()]
    return "\n".join(["| code | severity | what it says |", "|---|---|---|", *rows])

"""The list of commands: what each is called, where its code is, and the line that ``relight --help`` shows.

The lines stand here and not with the code, so that help needs no import; a test compares them.
"""

from typing import NamedTuple

FORMATS = ("text", "json", "jsonl")
"""What standard output may be for; every command knows them."""


class Command(NamedTuple):
    """One command: *place* is ``module:attribute`` under ``relight.cli``."""

    name: str
    place: str
    summary: str


SECTIONS: dict[str, tuple[Command, ...]] = {
    "Before": (
        Command("lint", "documents:lint", "Check runbooks and sites; say every problem with its place."),
        Command("plan", "documents:plan", "Resolve a runbook against a site and show what a run would do."),
        Command("rehearse", "rehearse:rehearse", "See what a runbook does before the night; nothing is touched."),
        Command("explore", "explore:explore", "Go through every outcome of a runbook; say what can go wrong."),
        Command("schema", "documents:schema", "Print a document's JSON Schema, for editors."),
        Command("drill", "drill:drill", "Recover a real brownout on this machine, for practice."),
    ),
    "During": (
        Command("run", "starting:run", "Start a run: plan, show, ask once, then drive it in the background."),
        Command("runs", "reading:runs", "List the runs, unfinished ones first."),
        Command("status", "reading:status", "Say where a run stands; the exit code says it too."),
        Command("watch", "watching:watch", "Follow a run until it ends; Ctrl-C leaves it alone."),
        Command("why", "reading:why", "Say what a run waits for and where each choice leads."),
        Command("approve", "deciding:approve", "Approve a gate's ticket."),
        Command("deny", "deciding:deny", "Deny a gate's ticket; the run holds."),
        Command("ask", "deciding:ask", "Ask a gate anew, with a new ticket."),
        Command("pause", "deciding:pause", "Let nothing go forward until somebody resumes."),
        Command("resume", "resuming:resume", "Carry on a paused run, or take over one whose driver is gone."),
        Command("retry", "deciding:retry", "Try a failed step, or the checks of a stage, again."),
        Command("skip", "deciding:skip", "Leave out a step or an optional stage."),
        Command("mark", "deciding:mark", "Say that a step was done, or was not."),
        Command("ramp", "deciding:ramp", "Move a ramp: to its floor, down, up, or let it stay."),
        Command("undo", "undoing:undo", "Undo a step's effect, or everything back to a stage."),
        Command("note", "deciding:note", "Write something down in the run's journal."),
        Command("abort", "deciding:abort", "End a run: nothing forward starts any more."),
        Command("effects", "reading:effects", "List what is changed and not undone, each with its undo."),
    ),
    "After": (
        Command("report", "report:report", "Write down how a run went, from recorded facts alone."),
        Command("log", "history:log", "Print what happened in a run, one line a fact."),
        Command("verify", "history:verify", "Find any change to a recorded journal."),
    ),
    "System": (
        Command("serve", "serve:serve", "Drive runs for everybody, and open the doors: the API, chat, the page."),
        Command("token", "tokens:token", "Make a token for the API, and print it once."),
        Command("plugins", "system:plugins", "List plugins and simulations, or document one from its code."),
        Command("doctor", "system:doctor", "Check that relight can work here, and say what to mend."),
    ),
}

COMMANDS: dict[str, Command] = {command.name: command for section in SECTIONS.values() for command in section}

"""What can be typed after the command's name: one verb and a few words, of which nothing is ever evaluated."""

import re
from typing import NamedTuple

from relight.chat.channel import WORDS_MAX, Code, Words, one_line

REASON_MAX = 2_000
_RUN = re.compile(r"[0-9a-z]{3,40}")
_TICKET = re.compile(r"[a-z][a-z0-9-]{0,62}/[0-9a-z]{1,20}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


class Usage(NamedTuple):
    """A verb as help shows it."""

    words: str
    says: str


USAGE: dict[str, Usage] = {
    "run": Usage("run [NAME]", "start what the site publishes: a form asks for its inputs and shows the plan"),
    "status": Usage("status [RUN]", "where a run stands, and what it waits for"),
    "approve": Usage("approve RUN TICKET [why]", "open a gate"),
    "deny": Usage("deny RUN TICKET [why]", "close a gate's ticket; the run holds"),
    "pause": Usage("pause RUN [why]", "nothing goes forward until somebody resumes"),
    "resume": Usage("resume RUN [why]", "let a paused run go on"),
    "abort": Usage("abort RUN [why]", "end a run; what protects stays in force"),
    "help": Usage("help", "this"),
}
"""What can be said, each word also a verb of the permission table."""


class Said(NamedTuple):
    """A command as it was understood; *trouble* says what was not."""

    verb: str
    run: str = ""
    ticket: str = ""
    name: str = ""
    reason: str = ""
    trouble: str = ""


def read(text: str) -> Said:
    """Return what was typed, or what is wrong with it."""
    words = text[:WORDS_MAX].split()
    verb = words[0].lower() if words else "help"
    if verb not in USAGE:
        return Said("help", trouble=f"{one_line(words[0], 40)!r} is nothing that can be said here.")
    rest = words[1:]
    match verb:
        case "help":
            return Said("help")
        case "run":
            return _named(rest)
        case "status":
            if len(rest) > 1 or (rest and not _RUN.fullmatch(rest[0].lower())):
                return _wrong("status")
            return Said("status", run=rest[0].lower() if rest else "")
        case "approve" | "deny":
            if len(rest) < 2 or not _RUN.fullmatch(rest[0].lower()) or not _TICKET.fullmatch(rest[1].lower()):
                return _wrong(verb)
            return Said(verb, run=rest[0].lower(), ticket=rest[1].lower(), reason=_reason(rest[2:]))
        case _:
            if not rest or not _RUN.fullmatch(rest[0].lower()):
                return _wrong(verb)
            return Said(verb, run=rest[0].lower(), reason=_reason(rest[1:]))


def usage(command: str) -> list[Words]:
    """Return help, a line each."""
    lines: list[Words] = [(Code(f"{command} {each.words}"), f"  {each.says}") for each in USAGE.values()]
    return [
        *lines,
        ("RUN is a run's id, or how it begins: three characters at least. Approvals are yours, and never the bot's.",),
    ]


def _named(rest: list[str]) -> Said:
    if len(rest) > 1 or (rest and not _NAME.fullmatch(rest[0])):
        return Said("run", trouble="Give one published name and no inputs: a form asks for them.")
    return Said("run", name=rest[0] if rest else "")


def _wrong(verb: str) -> Said:
    return Said(verb, trouble=f"Write it like this: {USAGE[verb].words}")


def _reason(words: list[str]) -> str:
    return " ".join(words)[:REASON_MAX]

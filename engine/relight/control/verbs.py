"""One table of everything that may be asked of relight at any door, and the permission that each needs.

Every door resolves what it is asked to a verb of this table, and a test holds the table against each door's own list.
Who holds ``approve`` and ``decide`` at a given gate and hold is the kernel's to say: it judges roles when somebody
asks and again when a vote is used, and its refusals are in the journal, where a door's would not be.
"""

from typing import Literal, NamedTuple, TypeAlias

from relight.errors import UsageError

Permission: TypeAlias = Literal[
    "open", "author", "read", "propose", "start", "begin", "approve", "decide", "stop", "system"
]
"""``open`` says nothing of runs; ``author`` reads documents, ``read`` a journal; ``propose`` has people asked whether
to ``start`` a run, and a person may ``begin`` that one; ``approve`` is for a gate's roles, ``decide`` for the site's
people, ``stop`` for whoever reaches the door; ``system`` is about this machine. ``permissions`` says who has which."""


class Verb(NamedTuple):
    """One verb: its permission, and whether it is put to a run as a request."""

    name: str
    permission: Permission
    asks: bool = False


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("lint", "author"),
        Verb("plan", "author"),
        Verb("rehearse", "author"),
        Verb("explore", "author"),
        Verb("schema", "author"),
        Verb("drill", "start"),
        Verb("run", "start"),
        Verb("runs", "read"),
        Verb("status", "read"),
        Verb("watch", "read"),
        Verb("why", "read"),
        Verb("effects", "read"),
        Verb("report", "read"),
        Verb("log", "read"),
        Verb("verify", "read"),
        Verb("approve", "approve", asks=True),
        Verb("deny", "approve", asks=True),
        Verb("skip", "approve", asks=True),
        Verb("ask", "decide", asks=True),
        Verb("resume", "decide", asks=True),
        Verb("retry", "decide", asks=True),
        Verb("mark", "decide", asks=True),
        Verb("undo", "decide", asks=True),
        Verb("ramp", "stop", asks=True),  # up is for the site's people, and the kernel says so
        Verb("pause", "stop", asks=True),
        Verb("abort", "stop", asks=True),
        Verb("note", "stop", asks=True),
        Verb("serve", "system"),
        Verb("token", "system"),
        Verb("plugins", "system"),
        Verb("doctor", "system"),
    )
}


def asked_verb(name: str) -> Verb:
    """Return the verb of that name, which can be put to a run.

    Raises:
        UsageError: there is no such verb, or it is none that a run is asked.
    """
    verb = VERBS.get(name)
    if verb is None or not verb.asks:
        known = ", ".join(each.name for each in VERBS.values() if each.asks)
        raise UsageError(f"{name!r} is nothing that a run can be asked", hint=f"verbs are: {known}")
    return verb

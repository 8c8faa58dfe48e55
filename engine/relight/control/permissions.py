"""The one table that everything at every door goes through: what it is, and who may.

A door resolves whatever it is asked to a name of ``TABLE``, and :func:`permit` says whether this identity may ever do
such a thing. Whether a person holds a gate's role is the kernel's to say: it judges that when they ask, and again when
their vote is used. A test walks through all commands, routes and actions and fails on one that is not in the table.
"""

from typing import NamedTuple

from relight.control.identities import HOST_DOOR, Identity, Kind
from relight.control.requests import Asking
from relight.control.verbs import VERBS, Permission
from relight.errors import NotPermitted, UsageError

_ALL: frozenset[Kind] = frozenset({"person", "token", "bot", "agent"})
_PEOPLE: frozenset[Kind] = frozenset({"person"})


class Rule(NamedTuple):
    """Who may use a permission: the kinds of identity that ever may, and the rest in words."""

    kinds: frozenset[Kind]
    who: str
    at_host_only: bool = False


RULES: dict[Permission, Rule] = {
    "open": Rule(_ALL, "whoever reaches the door; it says nothing of any run"),
    "author": Rule(_ALL, "whom the site knows, and whoever reads the documents on the host"),
    "read": Rule(_ALL, "whom the site knows, and whoever reads the journal on the host"),
    "propose": Rule(_ALL, "whom the site knows"),
    "start": Rule(_ALL, "whom the site knows, with a role of the published runbook where it names some"),
    "begin": Rule(_PEOPLE, "a person as for start: what an alert proposes, a person begins or dismisses"),
    "approve": Rule(_PEOPLE, "a person with a role of the gate"),
    "decide": Rule(_PEOPLE, "a person of the site, or who started the run"),
    "stop": Rule(_ALL, "whom the site knows, and whoever reaches the journal on the host"),
    "system": Rule(_PEOPLE, "whoever is on the host", at_host_only=True),
}

TABLE: dict[str, Permission] = {
    **{verb.name: verb.permission for verb in VERBS.values()},
    # What only remote doors have.
    "health": "open",
    "metrics": "open",
    "openapi": "open",
    "hook": "open",  # what a chat sends is signed, and says itself who asks for what
    "sign-in": "open",
    "sign-out": "open",
    "static": "open",
    "me": "read",
    "published": "read",
    "results": "read",
    "proposals": "read",
    "propose": "propose",
    "begin": "begin",
    "dismiss": "begin",
    # Less exposure is for all, more is not.
    "ramp up": "decide",
}

_WORDS: dict[Kind, str] = {"person": "a person", "token": "a token", "bot": "a bot", "agent": "an agent"}


def permit_asking(identity: Identity, asking: Asking) -> None:
    """Return quietly if this identity may ever ask that of a run.

    Raises:
        UsageError: there is no such verb.
        NotPermitted: it may not.
    """
    permit(identity, "ramp up" if (asking.verb, asking.value) == ("ramp", "up") else asking.verb)


def permit(identity: Identity, verb: str) -> None:
    """Return quietly if this identity may ever do that.

    Raises:
        UsageError: there is no such verb; a door forgot to put it into the table.
        NotPermitted: it may not; the text says what it may.
    """
    if verb not in TABLE:
        raise UsageError(f"{verb!r} is nothing that can be done here", hint=f"known are: {', '.join(sorted(TABLE))}")
    permission = TABLE[verb]
    rule = RULES[permission]
    if identity.kind not in rule.kinds:
        raise NotPermitted(
            f"{identity.shown} is {_WORDS[identity.kind]}, and only people decide, so it may not {verb}",
            hint="a person does it: signed in, in chat, or with `relight` on the host",
        )
    if rule.at_host_only and identity.door != HOST_DOOR:
        raise NotPermitted(f"{verb} is only for whoever is on the host", hint=f"type `relight {verb}` there")
    if identity.may is not None and permission not in identity.may and permission not in ("open", "author"):
        may = ", ".join(sorted(identity.may)) or "nothing"
        raise NotPermitted(
            f"{verb} is not for {identity.shown}: it may {may}",
            hint=f"add {permission} to what it may in the site's people, or use another",
        )

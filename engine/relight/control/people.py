"""Who is at the door: an identity there becomes a person of the site, or stays an outsider with a telling name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relight.kernel.plan import Person
    from relight.kernel.state import Run


def os_name() -> str:
    """Return the name of the OS user; the number where the machine has no name for it.

    The environment is not asked: anybody can set ``USER``.
    """
    uid = os.geteuid()
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (KeyError, ImportError):
        return str(uid)


def person_at(door: str, identity: str, people: Iterable[Person]) -> str:
    """Return the id of the person whom the site knows by *identity* at *door*, else ``door:identity``."""
    for person in people:
        if person.identities.get(door) == identity:
            return person.id
    return f"{door}:{identity}"


def person_in(door: str, identity: str, people: Iterable[Mapping[str, Any]]) -> str:
    """Return the same from people as a journal keeps them, so that a request need not decode the plan."""
    for person in people:
        if person.get("identities", {}).get(door) == identity:
            return str(person["id"])
    return f"{door}:{identity}"


def may(person: str, roles: Iterable[str], people: Iterable[Person]) -> bool:
    """Return whether *person* holds one of *roles*."""
    wanted = set(roles)
    return any(each.id == person and wanted & set(each.roles) for each in people)


def holders(roles: Iterable[str], people: Iterable[Person]) -> tuple[str, ...]:
    """Return who holds one of *roles*, in the site's order."""
    wanted = set(roles)
    return tuple(each.id for each in people if wanted & set(each.roles))


def deciders(run: Run) -> tuple[str, ...]:
    """Return who decides what takes no role: the site's people, bots and agents not among them, and who started it."""
    return tuple(dict.fromkeys((*(each.id for each in run.people if each.kind == "person"), run.starter)))

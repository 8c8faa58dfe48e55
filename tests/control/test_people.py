"""Who is at the door."""

from __future__ import annotations

import dataclasses
import os
import pwd

import pytest

from relight.control import people
from relight.kernel.plan import Person
from relight.testing.desk import desk_of
from relight.testing.plans import act

ANA = Person(id="ana", roles=("incident-commander",), identities={"os": "ana.k", "slack": "U012ABC"})
BO = Person(id="bo", roles=("session-owner",), identities={"os": "bo"})


def test_an_identity_becomes_a_person() -> None:
    """The same person is known at every door by the identity that they have there."""
    assert people.person_at("os", "ana.k", (ANA, BO)) == "ana"
    assert people.person_at("slack", "U012ABC", (ANA, BO)) == "ana"
    assert people.person_in("os", "bo", [{"id": "bo", "identities": {"os": "bo"}}, {"id": "x"}]) == "bo"


def test_an_outsider_keeps_their_door() -> None:
    """Somebody whom the site does not know is named by door and identity, and is no person of the site."""
    assert people.person_at("os", "U012ABC", (ANA, BO)) == "os:U012ABC"
    assert people.person_in("os", "mallory", []) == "os:mallory"


def test_the_os_user_is_not_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can set USER; the user database is asked instead."""
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "ana.k")
    assert people.os_name() == pwd.getpwuid(os.geteuid()).pw_name


def test_a_user_without_an_entry_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine has no name for a user, their number is their identity."""

    def absent(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", absent)
    assert people.os_name() == str(os.geteuid())


def test_roles_are_held_by_people() -> None:
    """Who holds a role is told in the site's order."""
    assert people.holders(("session-owner", "incident-commander"), (ANA, BO)) == ("ana", "bo")
    assert people.may("bo", ("session-owner",), (ANA, BO))
    assert not people.may("ana", ("session-owner",), (ANA, BO))
    assert not people.may("os:ana", ("incident-commander",), (ANA, BO))


def test_a_bot_is_not_named_among_who_decides() -> None:
    """What takes no role is decided by the site's people, and by whoever started the run; a bot or agent never."""
    watch = Person(id="watch", kind="bot")
    run = dataclasses.replace(desk_of(act("a")).run, people=(ANA, watch, BO), starter="os:kim")
    assert people.deciders(run) == ("ana", "bo", "os:kim")

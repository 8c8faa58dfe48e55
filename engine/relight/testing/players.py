"""Players: whoever answers a run at random, with the world's answers, people's verbs, time and takeovers.

A player asks its dice for one of several moves; a seed or hypothesis is the dice.
What does not belong here: what must hold (``properties``).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from relight.errors import NotNow, NotPermitted
from relight.kernel.choices import Choice, choices
from relight.kernel.inputs import Asked, PeopleRead, Read, Reported, Ticked, TookOver, Turned
from relight.kernel.intents import ReadProbe, Wake, Watch
from relight.testing.desk import Desk
from relight.testing.plans import PEOPLE

Pick: TypeAlias = Callable[[Sequence[Any]], Any]
Move: TypeAlias = Callable[[], object]

ANYBODY = (*(person.id for person in PEOPLE), "os:stranger")
VERBS = ("approve", "deny", "ask", "pause", "resume", "retry", "skip", "mark", "ramp", "undo", "abort", "note", "dance")
VALUES = {
    "mark": ("done", "not-done", "perhaps"),
    "ramp": ("floor", "down", "stay", "up", "sideways"),
}


class Player:
    """Makes moves at a desk."""

    def __init__(self, desk: Desk, pick: Pick) -> None:
        self.desk = desk
        self.pick = pick
        self.refused: list[str] = []
        self._spent: list[str] = []
        self._turns = 0
        self._old: list[Reported | Turned | Read] = []

    def move(self) -> None:
        """Make one move."""
        kinds: list[Move] = [self._tick, self._tick, self._any_verb, self._choice, self._choice]
        kinds += [self._friendly_choice] * (4 if self.desk.run.holds or self.desk.run.ticket is not None else 0)
        kinds += [self._report] * (6 if self.desk.run.dispatches else 0)
        kinds += [self._read] * (4 if self.desk.wanted(ReadProbe) else 0)
        kinds += [self._turn] * (6 if self.desk.wanted(Watch) else 0)
        kinds += [self._again, self._seldom]
        self.pick(kinds)()

    def _seldom(self) -> None:
        self.pick((self._take_over, self._take_over, self._people, self._any_verb))()

    def friendly(self) -> None:
        """Make the move that a kind world and sensible people make next."""
        desk = self.desk
        if desk.run.dispatches:
            self._say(self._reported(next(iter(desk.run.dispatches)), "succeeded"))
        elif desk.wanted(ReadProbe):
            self._say(Read(**self.desk.now, read=desk.wanted(ReadProbe)[0].id, value=1))
        elif not self._friendly_turn() and not self._friendly_choice():
            self._tick()

    # ---- the world

    def _say(self, given: Any) -> None:
        if isinstance(given, Reported | Turned | Read):
            self._old.append(given)
        self.desk.say(given)

    def _tick(self) -> None:
        due = [wake.t for wake in self.desk.wanted(Wake)]
        self.desk.t = max(self.desk.t, self.pick(due) if due else self.desk.t + 1_000)
        self._say(Ticked(**self.desk.now))

    def _report(self) -> None:
        number = self.pick(list(self.desk.run.dispatches))
        self._say(self._reported(number, self.pick(("succeeded", "succeeded", "succeeded", "failed", "unknown"))))

    def _reported(self, number: int, outcome: Any) -> Reported:
        item = self.desk.run.dispatches[number]
        step = self.desk.run.step_of(item.step)
        hosts = [step.targets.hosts[index] for index in item.targets] if step.targets is not None else []
        if outcome == "succeeded":
            return Reported(**self.desk.now, dispatch=number, outcome=outcome, result=1)
        heard = {host: self.pick((None, "no")) for host in hosts if self.pick((True, False))}
        retry = self.pick((True, True, False))
        rest = [host for host in hosts if host not in heard] if outcome == "failed" else []
        untouched = tuple(host for host in rest if self.pick((True, False, False)))
        return Reported(
            **self.desk.now,
            dispatch=number,
            outcome=outcome,
            error=f"it {outcome}",
            targets=heard,
            retry=retry,
            untouched=untouched,
        )

    def _read(self) -> None:
        wanted = self.pick(self.desk.wanted(ReadProbe))
        answer = self.pick(({"value": 1}, {"value": {"percent": 100}}, {"value": None}, {"value": 0}, {"error": "no"}))
        self._say(Read(**self.desk.now, read=wanted.id, **answer))

    def _turn(self) -> None:
        watch = self.pick(self.desk.wanted(Watch))
        verdict = self.pick(("pass", "pass", "pass", "fail", "neutral", "inconclusive"))
        self._say(Turned(**self.desk.now, use=watch.id, check=watch.check, verdict=verdict, value=1))

    def _friendly_turn(self) -> bool:
        for watch in self.desk.wanted(Watch):
            turned = self.desk.run.readings.get(watch.id)
            if turned is None or turned.verdict != "pass":
                self._say(Turned(**self.desk.now, use=watch.id, check=watch.check, verdict="pass", value=1))
                return True
        return False

    def _again(self) -> None:
        """Say something old once more: what no longer matters changes nothing that counts."""
        if self._old:
            self.desk.say(replace(self.pick(self._old[-20:]), **self.desk.now))

    def _take_over(self) -> None:
        lost = self.pick((False, False, True))
        epoch = self.desk.run.epoch + self.pick((1, 1, 1, 0))
        self._say(TookOver(**self.desk.now, epoch=epoch, driver="another", clock_lost=lost))

    def _people(self) -> None:
        people = tuple(person for person in PEOPLE if self.pick((True, True, False)))
        self._say(PeopleRead(**self.desk.now, people=people))

    # ---- people

    def _choice(self) -> None:
        seldom = ("abort", "pause", "skip")
        known = [each for each in choices(self.desk.run) if each.verb not in seldom or self.pick(range(8)) == 0]
        if known:
            self.take(self.pick(known))

    def _friendly_choice(self) -> bool:
        if self.desk.run.people != PEOPLE:
            self._say(PeopleRead(**self.desk.now, people=PEOPLE))
            return True
        forward = [choice for choice in choices(self.desk.run) if not choice.safe]
        # Another first each time: what does not help once may never help.
        self._turns += 1
        at = self._turns // 2 % max(len(forward), 1)
        return any(self.take(choice) for choice in (*forward[at:], *forward[:at]))

    def take(self, choice: Choice) -> bool:
        """Do what a choice says, as somebody who may; say whether there was anybody.

        Raises:
            NotNow: the choice was none; a defect.
        """
        asked = asked_for(choice, **self.desk.now)
        for person in ANYBODY:
            try:
                self.desk.say(replace(asked, person=person))
                return True
            except NotPermitted as refusal:
                self.refused.append(refusal.message)
            except NotNow as refusal:
                if "one person is one vote" not in refusal.message:
                    raise
                self.refused.append(refusal.message)
        return False

    def _any_verb(self) -> None:
        run = self.desk.run
        verb = self.pick(VERBS)
        if verb == "abort" and self.pick(range(4)):
            return
        ticket = run.ticket.id if run.ticket is not None else "none/000"
        if run.ticket is not None:
            self._spent.append(ticket)
        stages = [stage.id for stage in run.plan.stages]
        subjects = ("", *run.plan_index, *stages, *run.plan.checks)
        values = VALUES.get(verb, ("", "", *stages) if verb == "undo" else ("",))
        asked = Asked(
            **self.desk.now,
            request="r",
            person=self.pick(ANYBODY),
            door="cli",
            verb=verb,
            subject=self.pick(subjects),
            ticket=self.pick([ticket, *self._spent[-3:], "bogus/1"]),
            reason=self.pick(("", "because")),
            value=self.pick(values),
        )
        try:
            self.desk.say(asked)
        except (NotNow, NotPermitted) as refusal:
            self.refused.append(refusal.message)


def asked_for(choice: Choice, *, at: int, t: int, person: str = "ana") -> Asked:
    """Return the request that a choice's words stand for, as the command line would write it."""
    reason = "because" if choice.needs_reason or choice.verb == "approve" else ""
    typed = "here" if choice.verb == "approve" else ""
    return Asked(at=at, t=t, request="r", person=person, door="cli", reason=reason, confirmed=typed, **choice.asking)

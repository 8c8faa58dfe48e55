"""The people of a rehearsal: they answer gates, and say what the script has them say when its moment has come.

Whatever they ask goes the way of every request: the kernel decides it, and who may not is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from relight.drivers.rehearsal.clock import VirtualClock
from relight.drivers.rehearsal.script import Event, GateAnswer, Script, StepEnd
from relight.drivers.rehearsal.story import Story
from relight.journal.port import Request
from relight.kernel.authority import gate_roles, holds_role, may_decide
from relight.kernel.plan import Stage
from relight.kernel.stages import gate_blockers
from relight.kernel.state import Manual, Run, Ticket

ANSWER_MS = 30_000
"""How long people look before they answer; at a site with a pace it goes as much faster."""
REASON = "rehearsed"
STRANGER = "os:stranger"
DEFAULT = GateAnswer()
DONE = StepEnd()


@dataclass(slots=True)
class _Asking:
    """One asking of a gate and what is answered to it."""

    answer: GateAnswer
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked, and whether the script says that they may not."""

    request: Request
    refused: bool
    words: str


@dataclass(slots=True)
class Cast:
    """Everybody who speaks; *say* puts a request to the run, *kill* ends its driver, *run* is the run as it is.

    *by_hand* says how a task ends that a person was asked to do.
    """

    script: Script
    story: Story
    clock: VirtualClock
    run: Callable[[], Run]
    say: Callable[[Asked], None]
    kill: Callable[[bool], None]
    by_hand: Callable[[str], StepEnd | None]
    _askings: dict[str, _Asking] = field(default_factory=dict)
    _asked_of: dict[str, int] = field(default_factory=dict)
    _waiting: list[Event] = field(default_factory=list)
    _number: int = 0
    _begun: dict[str, Manual] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._waiting = list(self.script.events)

    def look(self) -> None:
        """See what has become of the run, and get ready to say what there is to say."""
        self._events()
        run = self.run()
        self._by_hand(run)
        ticket, stage = run.ticket, run.current
        if ticket is None or stage is None or ticket.status != "waiting" or ticket.stage != stage.id:
            return
        asking = self._askings.get(ticket.id)
        if asking is None:
            asking = self._askings[ticket.id] = _Asking(self._answer_to(stage))
            # A look is due even where nothing else turns before somebody has thought about it.
            self.clock.call_at(ticket.asked_t + _paced(run, ANSWER_MS), lambda: None)
        if not asking.scheduled:
            self._answer(run, stage, ticket, asking)

    def unplayed(self) -> list[str]:
        """Return what people were to do and never did."""
        found = [str(event) for event in self._waiting]
        for stage, answers in self.script.gates.items():
            asked = self._asked_of.get(stage, 0)
            for answer in answers:
                if asked < (answer.times or 1):
                    found.append(f"gate {stage} {answer.word}")
                asked -= min(asked, answer.times or asked)
        return found

    # ---- by hand

    def _by_hand(self, run: Run) -> None:
        """Do what a person was asked to do and mark it, unless the script has somebody else say so."""
        for step in run.open_steps:
            record = run.steps.get(step.id)
            if record is None or not isinstance(record.state, Manual) or self._begun.get(step.id) is record.state:
                continue
            self._begun[step.id] = record.state
            if any(event.verb == "mark" and step.id in event.words for event in self.script.events):
                continue
            end = self.by_hand(step.id) or DONE
            if end.word in ("succeeds", "fails"):
                due = self.clock.t + (end.takes_ms if end.takes_ms is not None else _paced(run, ANSWER_MS))
                how = "done" if end.word == "succeeds" else "not-done"
                body = {"verb": "mark", "person": run.starter, "subject": step.id, "value": how}
                self._say_at(due, body, refused=False)

    # ---- gates

    def _answer_to(self, stage: Stage) -> GateAnswer:
        number = self._asked_of.get(stage.id, 0)
        self._asked_of[stage.id] = number + 1
        for answer in self.script.gates.get(stage.id, ()):
            if answer.times is None or number < answer.times:
                return answer
            number -= answer.times
        return DEFAULT

    def _answer(self, run: Run, stage: Stage, ticket: Ticket, asking: _Asking) -> None:
        answer = asking.answer
        if answer.word == "ignored":
            asking.scheduled = True
            return
        due = ticket.asked_t + (answer.after_ms if answer.after_ms is not None else _paced(run, ANSWER_MS))
        if answer.after_ms is None and answer.word == "approved" and not self._ready(run, stage, due):
            return
        asking.scheduled = True
        assert stage.gate is not None
        who = tuple(self._person(run, name, stage) for name in answer.by)
        if not who:
            count = stage.gate.approval.min_approvals if answer.word == "approved" else 1
            who = may_decide(run, stage.gate)[:count]
        verb = {"approved": "approve", "denied": "deny", "skipped": "skip"}[answer.word]
        for person in who:
            body = {"verb": verb, "person": person, "reason": answer.reason or (REASON if verb != "approve" else "")}
            body |= {"subject": stage.id} if verb == "skip" else {"ticket": ticket.id}
            self._say_at(due, body, refused=answer.refused)

    def _ready(self, run: Run, stage: Stage, due: int) -> bool:
        """Return whether people have looked long enough and nothing but their word is missing."""
        return self.clock.t >= due and all("more approval" in why for why in gate_blockers(run, stage, self.clock.t))

    # ---- events

    def _events(self) -> None:
        for event in list(self._waiting):
            due = self.story.when(event.when)
            if due is None:
                continue
            self._waiting.remove(event)
            self.clock.call_at(due, partial(self._do, event))

    def _do(self, event: Event) -> None:
        if event.kills:
            self.kill(event.happened)
        else:
            self._say(self._body(self.run(), event), refused=event.refused)

    def _body(self, run: Run, event: Event) -> dict[str, str]:
        stage, verb, words = run.current, event.verb, event.words
        by = self._person(run, event.by, stage) if event.by else self._default_person(run, verb)
        body = {"verb": verb, "person": by, "reason": event.reason}
        if verb in ("approve", "deny"):
            body["ticket"] = words[0] if words else run.ticket.id if run.ticket is not None else "none"
        elif verb == "mark":
            body |= {"subject": words[0], "value": words[1]}
        elif verb in ("ramp", "note"):
            body["value"] = " ".join(words)
        elif verb == "undo" and words[:1] == ("--to",):
            body["value"] = words[1]
        elif words:
            body["subject"] = words[0]
        elif verb == "skip" and stage is not None:
            body["subject"] = stage.id
        if verb in ("skip", "deny", "abort") and not body["reason"]:
            body["reason"] = REASON
        return body

    def _default_person(self, run: Run, verb: str) -> str:
        stage = run.current
        if stage is not None and stage.gate is not None and verb in ("approve", "deny", "skip"):
            able = may_decide(run, stage.gate)
            return able[0] if able else run.starter
        return run.starter

    def _person(self, run: Run, name: str, stage: Stage | None) -> str:
        """Return who is meant: a person, the holder of a role, the starter, or somebody whom nobody knows."""
        if name == "starter":
            return run.starter
        if name == "stranger" or any(person.id == name for person in run.people):
            return STRANGER if name == "stranger" else name
        holders = [person.id for person in run.people if name in person.roles]
        others = [person for person in holders if person != run.starter]
        if name == "nobody-with-the-role":
            roles = gate_roles(stage)
            return next((each.id for each in run.people if not holds_role(run, each.id, roles)), STRANGER)
        return (others or holders or [name])[0]

    # ---- saying

    def _say_at(self, t: int, body: dict[str, str], *, refused: bool) -> None:
        self.clock.call_at(t, partial(self._say, body, refused=refused))

    def _say(self, body: dict[str, str], *, refused: bool) -> None:
        self._number += 1
        words = " ".join(part for part in (body["verb"], body.get("subject", ""), body.get("value", "")) if part)
        full = {"door": "rehearsal", **{name: text for name, text in body.items() if text}}
        request = Request(id=f"asked-{self._number}", run="rehearsal", at=self.clock.at, body=full)
        self.say(Asked(request, refused, f"{body['person']}: {words}"))


def _paced(run: Run, ms: int) -> int:
    return max(1, round(ms / run.plan.pace))

"""The scripted scene: what the script says, and for everything else the scene below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from relight.drivers.rehearsal.calm import MakeUp, wished
from relight.drivers.rehearsal.scene import Doing, End, EndWord, Scene, Seen
from relight.drivers.rehearsal.script import START, ProbeSays, Script, Spell, StepEnd
from relight.drivers.rehearsal.story import Story
from relight.kernel.intents import Perform, ReadProbe
from relight.kernel.plan import Check
from relight.kernel.state import Run

FAILS_MS = 1_000
"""How long a call takes that the script lets fail."""
BLIND = "the script says that there is no data"

Said = TypeVar("Said", StepEnd, ProbeSays)


@dataclass(slots=True)
class _Counter:
    """How often each entry was used, so that what never came about can be named."""

    used: dict[tuple[str, str, int], int]

    def next(self, kind: str, name: str, said: Sequence[Said]) -> Said | None:
        """Return the first entry that is not used up, and count it."""
        for index, entry in enumerate(said):
            key = (kind, name, index)
            if entry.times is None or self.used.get(key, 0) < entry.times:
                self.used[key] = self.used.get(key, 0) + 1
                return entry
        return None


class Scripted:
    """A script over another scene."""

    def __init__(self, script: Script, below: Scene, story: Story, make_up: MakeUp) -> None:
        self._script = script
        self._below = below
        self._story = story
        self._make_up = make_up
        self._counter = _Counter({})
        self._seen: dict[tuple[str, str], Seen] = {}
        self._t = 0

    def pass_until(self, t: int) -> int:
        """Let time pass below."""
        self._t = self._below.pass_until(t)
        return self._t

    def begin(self, act: Perform, run: Run) -> Doing:
        """Begin as the script says, or as it goes below."""
        kind, said = ("undos", self._script.undos) if act.purpose == "undo" else ("steps", self._script.steps)
        entries = [each if _fits(each, act, run) else _NEVER for each in said.get(act.step, ())]
        entry = self._counter.next(kind, act.step, entries)
        if entry is None:
            return self._below.begin(act, run)
        return self._scripted(entry, act, run)

    def _scripted(self, entry: StepEnd, act: Perform, run: Run) -> Doing:
        below = self._below.begin(act, run) if entry.word == "succeeds" or entry.happened else None
        takes_ms = below.takes_ms if below is not None else FAILS_MS
        takes_ms = entry.takes_ms if entry.takes_ms is not None else takes_ms

        def end() -> End:
            ended = below.end() if below is not None else End()
            if entry.word == "succeeds":
                return replace(ended, result=entry.result) if entry.gives else ended
            return _ended(entry, act)

        if entry.word == "times-out":
            # It took effect and never said so: whatever stops it comes too late.
            return Doing(end=end, stop=_happen(below) if below is not None else _nothing)
        stop, over = (below.stop, below.over) if below is not None else (_nothing, _never)
        return Doing(end=end, takes_ms=takes_ms, over=over, stop=stop)

    def by_hand(self, step: str) -> StepEnd | None:
        """Return how a task ends that a person was asked to do; None where the script says nothing of it."""
        return self._counter.next("steps", step, self._script.steps.get(step, ()))

    def read(self, reading: ReadProbe, run: Run) -> Seen:
        """Answer as the script says, or as it goes below."""
        kind, name = reading.id.split(":")[:2]
        if kind == "probe":
            said = self._counter.next("probes", name, self._script.probes.get(name, ()))
            if said is not None:
                return Seen(said.value, said.error)
        return self._below.read(reading, run)

    def sample(self, check: Check, run: Run) -> Seen:
        """Answer with the last spell that the check is under now; without one as it goes below."""
        spells = self._script.checks.get(check.id, ())
        for index in range(len(spells) - 1, -1, -1):
            began = self._under(spells[index], run)
            if began is not None:
                key = ("checks", check.id, index)
                self._counter.used[key] = self._counter.used.get(key, 0) + 1
                seen = self._spelled(spells[index], check, began)
                return replace(seen, steady=index == len(spells) - 1 and _is_for_ever(spells[index]))
        seen = self._below.sample(check, run)
        return replace(seen, steady=False) if spells and seen.steady else seen

    def unplayed(self) -> list[str]:
        """Return what the script says of steps, probes and checks that never came about."""
        found = []
        for kind in ("steps", "undos", "probes", "checks"):
            for name, entries in getattr(self._script, kind).items():
                for index, entry in enumerate(entries):
                    used, times = self._counter.used.get((kind, name, index), 0), getattr(entry, "times", None)
                    if used == 0 or (times is not None and used < times):
                        word = getattr(entry, "word", "") or ("fails" if entry.error else "answers")
                        often = f", {used} of {times} times" if used else ""
                        found.append(f"{kind[:-1]} {name} {word}{often}")
        return found

    # ---- checks

    def _under(self, spell: Spell, run: Run) -> int | None:
        """Return since when the spell lasts; None: it does not now."""
        began = self._story.when(spell.start)
        if began is None or self._t < began:
            return None
        if spell.for_ms is not None and self._t >= began + spell.for_ms:
            return None
        if spell.until is not None:
            ended = self._story.when(spell.until)
            if ended is not None and self._t >= ended:
                return None
        if spell.during and (run.current is None or run.current.id != spell.during):
            return None
        return began

    def _spelled(self, spell: Spell, check: Check, began: int) -> Seen:
        match spell.word:
            case "reads":
                return Seen(spell.value)
            case "blind":
                return Seen(error=BLIND)
            case "flaps":
                failing = (self._t - began) // spell.every_ms % 2 == 0
                return self._wished(check, "fail" if failing else "pass")
            case _:
                return self._wished(check, {"passes": "pass", "fails": "fail", "neutral": "neutral"}[spell.word])

    def _wished(self, check: Check, verdict: str) -> Seen:
        key = (check.id, verdict)
        if key not in self._seen:
            self._seen[key] = wished(check, verdict, self._make_up)
        return self._seen[key]


def _ended(entry: StepEnd, act: Perform) -> End:
    said = entry.error or f"the script says that {act.step} {_ENDS[entry.word]}"
    word: EndWord = "failed" if entry.word == "fails" else "unknown"
    if not entry.hosts or not act.targets:
        failed: dict[str, str | None] = dict.fromkeys(act.targets, said) if word == "failed" else {}
        return End(word=word, error=said, retry=entry.retry, targets=failed)
    hosts = {host: said if host in entry.hosts else None for host in act.targets}
    if not any(hosts.values()):
        return End(targets=hosts)
    if word == "unknown":
        hosts = {host: why for host, why in hosts.items() if why is None}
    return End(word=word, error=said, retry=entry.retry, targets=hosts)


def _happen(below: Doing) -> Callable[[], None]:
    def happen() -> None:
        below.end()

    return happen


def _never() -> bool:
    return False


def _nothing() -> None:
    return None


def _is_for_ever(spell: Spell) -> bool:
    whole = spell.until is None and spell.for_ms is None and not spell.during
    return whole and spell.word != "flaps" and spell.start == START


_ENDS = {"fails": "fails", "unknown": "is unknown", "times-out": "times out"}
_NEVER = StepEnd(times=0)


def _fits(entry: StepEnd, act: Perform, run: Run) -> bool:
    """Return whether the entry is about this call: some are about some hosts, some about a ramp's move to a value."""
    if entry.hosts and not set(entry.hosts) & set(act.targets):
        return False
    if entry.at is None:
        return True
    ramp = run.step_of(act.step).ramp
    return ramp is not None and act.args.get(ramp.key) == entry.at

"""Those who want in: newcomers who try until they are in or have had enough, and residents who never give up."""

from dataclasses import dataclass, field

from relight_practice.model.chance import leaving
from relight_practice.shape import Shape

HAMMER, SHORT, LONG = 0, 1, 2
"""Whom one waits among: who tries again once a second, the polite after an error, the polite who were told when."""
HAMMER_S, SHORT_S = 1.0, 2.0
TOLD_LATER = 1.1
"""The polite come back a tenth later than they were told, on average."""
RESIDENT_S = 1.0


@dataclass(slots=True)
class Attempts:
    """Sign-ins of one step: of people whose session can be read, and of those who are cursed with a spoiled one."""

    sound: float
    cursed: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.sound + self.cursed


@dataclass(slots=True)
class Crowd:
    """Newcomers who were refused or failed, by how they wait and whether their session is spoiled."""

    shape: Shape
    sound: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    cursed: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    turned_away: float = 0.0
    gave_up: float = 0.0
    _tries: list[tuple[float, float, float, bool]] = field(default_factory=list)

    @property
    def waiting(self) -> float:
        """How many they are."""
        return sum(self.sound) + sum(self.cursed)

    @property
    def cursed_waiting(self) -> float:
        """How many of them cannot get in, however wide the door is."""
        return sum(self.cursed)

    def try_again(self, arrived: float, cursed_share: float, step_s: float, told_s: float, answer_s: float) -> Attempts:
        """Return who tries now: *arrived* new ones and those whose wait is over.

        Args:
            arrived: How many came.
            cursed_share: How many of them have a spoiled session.
            step_s: The step.
            told_s: The ``Retry-After`` that is told, on average.
            answer_s: How long an answer takes.
        """
        if self.waiting >= self.shape.waiting_max:
            self.turned_away += arrived
            arrived = 0.0
        waits = (HAMMER_S + answer_s, SHORT_S + answer_s, told_s * TOLD_LATER)
        # What is tried: the two kinds of session, how long it was waited for, and whether politely.
        polite = self.shape.polite_share
        self._tries = [
            (arrived * part * (1 - cursed_share), arrived * part * cursed_share, answer_s, is_polite)
            for part, is_polite in ((1 - polite, False), (polite, True))
        ]
        for kind, wait_s in enumerate(waits):
            out = leaving(step_s, wait_s)
            sound, cursed = self.sound[kind] * out, self.cursed[kind] * out
            self.sound[kind] -= sound
            self.cursed[kind] -= cursed
            self._tries.append((sound, cursed, wait_s, kind != HAMMER))
        return Attempts(sum(each[0] for each in self._tries), sum(each[1] for each in self._tries))

    def hear(self, refused: float, sound_in: float) -> None:
        """Take the answers: *refused* of all were told to come back, *sound_in* of the sound got in, the rest failed.

        Those whose patience is over give up; the others wait again.
        """
        for sound, cursed, waited_s, polite in self._tries:
            stays = 1 - leaving(waited_s, self.shape.patience_s)
            for kinds, count, inside in ((self.sound, sound, sound_in), (self.cursed, cursed, 0.0)):
                told, failed = count * refused, count * max(0.0, 1 - refused - inside)
                self.gave_up += (told + failed) * (1 - stays)
                kinds[LONG if polite else HAMMER] += told * stays
                kinds[SHORT if polite else HAMMER] += failed * stays

    def bless(self, share: float) -> None:
        """Set the sessions of *share* of the cursed aside: they can sign in afresh."""
        for kind in (HAMMER, SHORT, LONG):
            moved = self.cursed[kind] * share
            self.cursed[kind] -= moved
            self.sound[kind] += moved


@dataclass(slots=True)
class Residents:
    """People who are signed in all day: with a good session, with a spoiled one, or with none any more."""

    inside: float
    spoiled: float = 0.0
    without: float = 0.0

    @property
    def outside(self) -> float:
        """Those who want in again."""
        return self.spoiled + self.without

    def try_again(self, step_s: float, answer_s: float) -> Attempts:
        """Return who tries now; they hammer."""
        out = leaving(step_s, RESIDENT_S + answer_s)
        return Attempts(self.without * out, self.spoiled * out)

    def hear(self, got_in: float, spoils: float) -> None:
        """Let those in who got in; *spoils* of what is written for them cannot be read."""
        got_in = min(got_in, self.without)
        self.without -= got_in
        self.inside += got_in * (1 - spoils)
        self.spoiled += got_in * spoils

    def spoil(self, count: float) -> None:
        """Have sessions spoiled."""
        count = min(count, self.inside)
        self.inside -= count
        self.spoiled += count

    def lose(self, share: float) -> None:
        """Set the sessions of *share* of those with a spoiled one aside."""
        moved = self.spoiled * share
        self.spoiled -= moved
        self.without += moved

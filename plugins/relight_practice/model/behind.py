"""What stands behind and beside: the slow origin, the shared store, the queue, and the fallback's breaker."""

from collections import deque
from dataclasses import dataclass, field

from relight_practice.dice import Dice
from relight_practice.model.chance import leaving
from relight_practice.shape import BREAKER_ANSWERS_MIN, BREAKER_S, Shape


@dataclass(slots=True)
class Origin:
    """Renders pages at a fixed rate and queues more than anybody waits for."""

    shape: Shape
    wait_s: float = 0.0

    def render(self, asked: float, step_s: float) -> tuple[float, float]:
        """Return how many of *asked* pages come in time, and the share of requests that were taken at all."""
        shape = self.shape
        rate = shape.origin_slots / shape.origin_cost_s
        taken = min(asked, max(0.0, (shape.origin_backlog_s - self.wait_s + step_s) * rate))
        # A page that comes too late was rendered all the same, for a node that has hung up.
        in_time = taken if self.wait_s + shape.origin_cost_s <= shape.origin_patience_s else 0.0
        self.wait_s = max(0.0, self.wait_s + taken / rate - step_s)
        return in_time, taken / asked if asked else 1.0

    def stay_s(self) -> float:
        """Return how long a node waits for a page."""
        return min(self.wait_s + self.shape.origin_cost_s, self.shape.origin_patience_s)


@dataclass(slots=True)
class Store:
    """Serves so many operations a second; machines give up on it sooner than people's sign-ins do."""

    shape: Shape
    wait_s: float = 0.0

    def serve(self, asked: float, step_s: float) -> float:
        """Return the share of operations that are served."""
        shape = self.shape
        rate = shape.store_slots / shape.store_cost_s
        taken = min(asked, max(0.0, (shape.store_patience_s - self.wait_s + step_s) * rate))
        self.wait_s = max(0.0, self.wait_s + taken / rate - step_s)
        return taken / asked if asked else 1.0

    def serves_machines(self) -> bool:
        """Return whether the wait is one that the API's clients put up with."""
        return self.wait_s <= self.shape.api_patience_s


@dataclass(slots=True)
class Jobs:
    """The queue: jobs that can be done, jobs of people whose session is spoiled, and greetings; with a breaker."""

    shape: Shape
    dice: Dice
    rate: float | None
    good: float = 0.0
    bad: float = 0.0
    stale_s: float | None = None
    set_aside: float = 0.0
    tripped: bool = False
    outcomes: deque[bool] = field(default_factory=deque)
    _credit: float = 0.0
    _oldest_s: float = 0.0

    @property
    def depth(self) -> float:
        """How many wait."""
        return self.good + self.bad

    def add(self, count: float, bad_share: float) -> None:
        """Take new jobs; those of spoiled sessions cannot be done."""
        self.good += count * (1 - bad_share)
        self.bad += count * bad_share

    def bless(self, share: float) -> None:
        """Make *share* of the bad jobs good: their sessions were set aside."""
        self.good += self.bad * share
        self.bad -= self.bad * share

    def order(self, rate: float | None, stale_s: float | None) -> None:
        """Set the rate; any but 0 closes the breaker and forgets what failed."""
        self.rate, self.stale_s = rate, stale_s
        if rate != 0:
            self.tripped = False
            self.outcomes.clear()

    def oldest_s(self) -> float:
        """Return the age of the oldest job, as far as sums can know."""
        return self._oldest_s

    def work(self, step_s: float) -> float:
        """Do what may be done and return how many were; too many failures in a row stop it."""
        depth = self.depth
        self._oldest_s = self._oldest_s + step_s if depth >= 1 else 0.0
        if self.rate == 0 or depth <= 0:
            return 0.0
        self._credit = depth if self.rate is None else min(self._credit + self.rate * step_s, max(1.0, self.rate / 5))
        taken = float(int(min(self._credit, depth + 0.5)))
        taken = min(taken, depth)
        self._credit -= taken
        self._oldest_s = max(0.0, self._oldest_s - self._oldest_s * taken / depth)
        greetings = self._stale(taken)
        taken -= greetings
        if taken <= 0:
            return 0.0
        failing = self.bad / depth
        failed = self._judge(taken, failing)
        done = taken - failed
        self.good = max(0.0, self.good - done)
        self.bad = max(0.0, depth - greetings - done - self.good)
        return done

    def _stale(self, taken: float) -> float:
        """Set greetings aside that are too old; history never is."""
        if self.stale_s is None or self._oldest_s <= self.stale_s:
            return 0.0
        greetings = taken * self.shape.greeting_share / (1 + self.shape.greeting_share)
        self.set_aside += greetings
        self.good = max(0.0, self.good - greetings)
        return greetings

    def _judge(self, taken: float, failing: float) -> float:
        """Throw for the outcomes of this step, and open the breaker where too many of the last ones failed."""
        if failing <= 0:
            self.outcomes.clear()  # nothing can fail, so nothing has to be counted
            return 0.0
        throws = min(max(1, round(taken)), self.shape.breaker_window)
        failures = 0
        for _ in range(throws):
            failed = self.dice.random() < failing
            failures += failed
            self.outcomes.append(not failed)
        while len(self.outcomes) > self.shape.breaker_window:
            self.outcomes.popleft()
        if self.outcomes.count(False) >= self.shape.breaker_failures:
            self.rate, self.tripped = 0.0, True
        return min(taken, taken * failures / throws)


@dataclass(slots=True)
class Breaker:
    """The fallback's: opens on a share of errors, and lets the first answer after a while decide."""

    share: float
    state: str = "closed"
    _answered: float = 0.0
    _failed: float = 0.0
    _left_s: float = 0.0

    def note(self, answers: float, failures: float, step_s: float, dice: Dice) -> None:
        """Take note of a step's answers."""
        if self.state == "open":
            self._left_s -= step_s
            if self._left_s <= 0:
                self.state = "half-open"
        elif self.state == "half-open":
            if answers:
                self._answered = self._failed = 0.0
                self._turn("open" if dice.random() < failures / answers else "closed")
        else:
            fades = leaving(step_s, BREAKER_S)
            self._answered += answers - self._answered * fades
            self._failed += failures - self._failed * fades
            if self._answered >= BREAKER_ANSWERS_MIN and self._failed > self.share * self._answered:
                self._turn("open")

    def _turn(self, state: str) -> None:
        self.state = state
        self._left_s = BREAKER_S

"""The whole sign-in tier: one step of time carries everybody who comes through everything that stands there."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from relight_practice.dice import Dice, dice
from relight_practice.model.behind import Breaker, Jobs, Origin, Store
from relight_practice.model.chance import leaving, poisson
from relight_practice.model.people import Attempts, Crowd, Residents
from relight_practice.model.pool import Node, Pool
from relight_practice.parts.admission import BURST_S, Throttle
from relight_practice.shape import CUT_SHARE, GOOD_RELEASE, RELOADS_MAX, VISIT_PAGES, Shape

STEP_S = 0.125
"""Half a scrape; everything that matters takes longer: an answer a quarter, a retry a whole second."""
VISIT_S = 0.65
"""Between a newcomer's looks at pages, on average."""
RELOAD_S = 1.0
LOOK_SPOILS = 1.5
"""Of a newcomer's two visits, how many meet what the first writes spoiled, as a multiple of the share spoiled."""


@dataclass(slots=True)
class Sessions:
    """Sessions of those who are no residents: how many are spoiled, and how many were set aside."""

    people: float
    spoiled: float = 0.0
    aside: float = 0.0
    renewed: float = 0.0


@dataclass(slots=True)
class Tier:
    """Everything, at one moment."""

    shape: Shape
    surge: float = 0.0
    weight: float = 0.0
    throttle: Throttle = field(default_factory=Throttle)
    counts: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    primary: Pool = field(init=False)
    fallback: Pool = field(init=False)
    crowd: Crowd = field(init=False)
    residents: Residents = field(init=False)
    sessions: Sessions = field(init=False)
    origin: Origin = field(init=False)
    store: Store = field(init=False)
    jobs: Jobs = field(init=False)
    breaker: Breaker = field(init=False)
    dice: Dice = field(init=False)
    warming: float = 0.0
    visits: float = 0.0
    reloads: list[float] = field(default_factory=lambda: [0.0] * (RELOADS_MAX - 1))
    _credit: float = 1.0
    _store_ok: float = 1.0
    _served: float = 1.0
    _aside: float = 0.0
    _aside_failed: float = 0.0

    def __post_init__(self) -> None:
        shape = self.shape
        self.dice = dice(shape.seed, "model")
        self.primary = Pool(
            shape.login_slots, shape.login_cost_s, shape.login_patience_s, shape.workers, shape.cache_pages
        )
        self.fallback = replace(self.primary, slots=shape.fallback_login_slots, holds=shape.pages, nodes={})
        self.fallback.nodes["fallback"] = Node("fallback", GOOD_RELEASE, True, shape.pages)
        for number in range(shape.nodes):
            name = f"node-{number + 1}"
            pages = min(shape.cache_pages, shape.pages / shape.nodes)
            self.primary.nodes[name] = Node(name, GOOD_RELEASE, True, pages)
        self.crowd, self.residents = Crowd(shape), Residents(shape.residents)
        self.sessions = Sessions(max(1.0, shape.people - shape.residents))
        self.origin, self.store = Origin(shape), Store(shape)
        self.jobs = Jobs(shape, dice(shape.seed, "model/jobs"), shape.queue_rate)
        self.breaker = Breaker(shape.fallback_share_failed)

    # ---- orders that change what people meet

    def set_throttle(self, throttle: Throttle) -> None:
        """Put it in force; a new rate begins without credit."""
        if throttle.max_rate != self.throttle.max_rate:
            self._credit = 0.0
        self.throttle = throttle

    def set_aside(self, limit: float) -> float:
        """Set at most *limit* spoiled sessions aside and return how many."""
        spoiled = self.spoiled
        moved = min(limit, spoiled)
        if moved <= 0:
            return 0.0
        share = moved / spoiled
        self.sessions.spoiled *= 1 - share
        self.sessions.aside += moved
        self.residents.lose(share)
        self.crowd.bless(share)
        self.jobs.bless(share)
        return moved

    def bring_back(self, *, valid_only: bool) -> tuple[float, float]:
        """Bring sessions back from aside: those that can be mended, or all as they were; return those and the rest."""
        sessions = self.sessions
        if valid_only:
            back = sessions.aside * (1 - CUT_SHARE)
        else:
            # Whoever has a new session by now keeps it.
            back = max(0.0, sessions.aside - sessions.renewed)
            sessions.spoiled += back
        sessions.aside -= back
        sessions.renewed = min(sessions.renewed, sessions.aside)
        return back, sessions.aside

    @property
    def spoiled(self) -> float:
        """How many sessions cannot be read."""
        return self.sessions.spoiled + self.residents.spoiled

    @property
    def locked_out(self) -> float:
        """How many people want in and were refused."""
        return self.crowd.waiting + self.residents.outside

    # ---- one step

    def step(self) -> None:
        """Let an eighth of a second pass."""
        h = STEP_S
        spoils = self.shape.corrupts * self.primary.spoiling() * (1 - self.weight / 100)
        self._aside = self._aside_failed = 0.0
        looked = self._looks(h, spoils)
        worked = self._sign_ins(h, spoils)
        machines = poisson(self.dice, self.shape.api_rate * h)
        self._count_machines(machines)
        self._store_ok = self.store.serve(looked * 2 + worked * 2 + machines, h)
        self.counts["done"] += self.jobs.work(h)
        self.primary.settle()
        self.fallback.settle()
        self.breaker.note(self._aside, self._aside_failed, h, self.dice)

    def _admitted(self, asked: float, h: float) -> float:
        """Return the share of *asked* that is let through, and count the others."""
        if asked <= 0:
            return 0.0
        counts, throttle = self.counts, self.throttle
        by_share = asked * throttle.percent / 100
        admitted = by_share
        if throttle.max_rate is not None:
            limit = max(1.0, throttle.max_rate * BURST_S)
            self._credit = min(self._credit + throttle.max_rate * h, limit)
            admitted = min(by_share, self._credit)
            self._credit -= admitted
        counts["asked"] += asked
        counts["admitted"] += admitted
        counts["refused_percent"] += asked - by_share
        counts["refused_rate"] += by_share - admitted
        counts["429"] += max(asked - admitted, 0.0)  # the shares of what is asked add up to it but for rounding
        return admitted / asked

    def _sign_ins(self, h: float, spoils: float) -> float:
        """Carry one step's sign-ins through and return how many reached the store."""
        shape, sessions, crowd = self.shape, self.sessions, self.crowd
        arrived = poisson(self.dice, (shape.demand + self.surge) * h)
        low, high = self.throttle.retry_after
        cursed = max(0.0, sessions.spoiled - crowd.cursed_waiting) / sessions.people
        answer_s = self._answer_s()
        new = crowd.try_again(arrived, cursed, h, (low + high) / 2 / shape.pace, answer_s)
        again = self.residents.try_again(h, answer_s)
        asked = new.total + again.total
        let_in = self._admitted(asked, h)
        served = self._worked_on(asked * let_in, h) * self._store_ok
        crowd.hear(1 - let_in, let_in * served)
        self._signed_in(new, let_in * served, spoils)
        back = again.sound * let_in * served
        self.residents.hear(back, spoils)
        reached = self._served = let_in * served
        self._count_sign_ins(
            asked * let_in, (new.sound + again.sound) * reached, (new.cursed + again.cursed) * reached, spoils
        )
        return asked * reached

    def _answer_s(self) -> float:
        """Return how long an answer to a sign-in takes, on average: whoever is refused hears so at once."""
        return self._served * (self.primary.wait_s + self.shape.login_cost_s)

    def _worked_on(self, offered: float, h: float) -> float:
        """Return the share of *offered* sign-ins that is worked on, in both pools together."""
        if offered <= 0:
            self.primary.sign_in(0.0, h)
            self.fallback.sign_in(0.0, h)
            return 0.0
        aside = offered * self.weight / 100
        here = self.primary.sign_in(offered - aside, h)
        there = self.fallback.sign_in(aside if self.breaker.state != "open" else 0.0, h)
        self._answered_there(aside, aside - there)
        return (here + there) / offered

    def _answered_there(self, asked: float, failed: float) -> None:
        self._aside += asked
        self._aside_failed += failed

    def _signed_in(self, new: Attempts, served: float, spoils: float) -> None:
        """Have newcomers who got in look around; what is written for them may be spoiled."""
        inside = new.sound * served
        self.sessions.spoiled += inside * spoils * (1 + LOOK_SPOILS)
        self.sessions.spoiled = min(self.sessions.spoiled, self.sessions.people)
        self.sessions.renewed = min(
            self.sessions.aside,
            self.sessions.renewed + inside * (self.sessions.aside - self.sessions.renewed) / self.sessions.people,
        )
        self.visits += VISIT_PAGES * inside
        self.counts["in"] += inside
        jobs = inside * self.shape.new_device_share * (1 + self.shape.greeting_share)
        self.jobs.add(jobs, min(1.0, spoils * (1 + LOOK_SPOILS)))

    def _count_sign_ins(self, offered: float, good: float, bad: float, spoils: float) -> None:
        counts = self.counts
        counts["logins"] += offered
        counts["login_corrupt"] += bad
        counts["login_busy"] += offered - good - bad
        counts["read_good"] += good
        counts["read_bad"] += bad
        counts["write_bad"] += good * spoils
        counts["write_good"] += good * (1 - spoils)
        counts["200"] += good
        counts["500"] += bad
        counts["503"] += offered - good - bad

    def _count_machines(self, machines: float) -> None:
        served = self.store.serves_machines()
        self.counts["api_200"] += machines if served else 0.0
        self.counts["api_503"] += 0.0 if served else machines

    def _looks(self, h: float, spoils: float) -> float:
        """Carry visits and pages through, of residents and newcomers, and return how many visits reached the store."""
        shape, residents, counts = self.shape, self.residents, self.counts
        often = h / shape.visit_s
        good, bad, none = residents.inside * often, residents.spoiled * often, residents.without * often
        new = self.visits * leaving(h, VISIT_S)
        self.visits -= new
        passes = self._passes(good + bad + none + new)
        reached = passes * self._store_ok
        known = new * (1 - min(1.0, LOOK_SPOILS * spoils))
        counts["read_good"] += (good + known) * reached
        counts["read_bad"] += (bad + new - known) * reached
        counts["write_bad"] += (good + known) * reached * spoils
        counts["write_good"] += (good + known) * reached * (1 - spoils)
        counts["200"] += (good + known) * reached
        counts["401"] += (bad + none + new - known) * reached
        counts["503"] += (good + bad + none + new) * (1 - reached)
        residents.spoil(good * reached * spoils)
        stay_s = 2 * (shape.store_cost_s + self.store.wait_s)
        self.primary.hold((good + bad + none + new) * (1 - self.weight / 100), stay_s, h)
        self._pages(good * reached + new, h)
        return (good + bad + none + new) * passes

    def _passes(self, asked: float) -> float:
        """Return the share of requests that finds a worker, in both pools together."""
        share = self.weight / 100
        there = self.fallback.through if self.breaker.state != "open" else 0.0
        if share:
            self._answered_there(asked * share, asked * share * (1 - there))
        return self.primary.through * (1 - share) + there * share

    def _pages(self, wanted: float, h: float) -> None:
        """Look pages up, fetch what is missing, and have people reload what did not come."""
        shape, counts = self.shape, self.counts
        tries = [wanted]
        for number, waiting in enumerate(self.reloads):
            out = waiting * leaving(h, RELOAD_S)
            self.reloads[number] -= out
            tries.append(out)
        asked = sum(tries)
        spread = None if self.surge else shape.page_spread
        share = self.weight / 100
        there = asked * share * (self.fallback.through if self.breaker.state != "open" else 0.0)
        here = asked * (1 - share) * self.primary.through
        misses = here * (1 - self.primary.hits(shape.pages, spread))
        came, _ = self.origin.render(misses + self.warming, h)
        in_time = came * misses / (misses + self.warming) if misses else 0.0
        self.warming = 0.0
        self.primary.fill(in_time, shape.pages, spread)
        self.primary.hold(asked * (1 - share) * (misses / here if here else 0.0), self.origin.stay_s(), h)
        self._answered_there(asked * share, asked * share - there)
        served = there + here - misses + in_time
        counts["hit"] += there + here - misses
        counts["miss"] += misses
        counts["200"] += served
        counts["503"] += asked - served
        failing = 1 - served / asked if asked else 0.0
        for number, tried in enumerate(tries[:-1]):
            self.reloads[number] += tried * failing

"""The numbers of the practice site, and why they are what they are.

They are tuned together, at pace 10, so that the brownout needs every stage of the shipped runbook and no more.
All costs are waiting, never computing, so the story does not depend on the speed of the machine.
"""

import json
from dataclasses import asdict, dataclass

GOOD_RELEASE = 40
BAD_RELEASE = 41
OLD_RELEASE = 39

VISIT_PAGES = 2
RELOADS_MAX = 3
CUT_SHARE = 0.25
"""Of the sessions that the bad release spoils, those that nothing can mend."""
BREAKER_S = 2.0
"""Over how long the fallback counts its answers, and how long it refuses everything."""
BREAKER_ANSWERS_MIN = 20
"""Fewer answers than this say nothing about a pool's health."""
BATCH_PAUSE_S = 0.05
"""Between two batches of sessions, so that the store serves people in between."""
FETCHES_MAX = 3
"""Pages that warming fetches from the origin at a time; it renders six at a time, and people need it too."""
PROBES = 5
"""With most requests failing, a broken node answers five in a row less than one time in ten thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How big everything is; rates are per real second.

    Two nodes sign in 24 people a second: four times the everyday demand of 6, less than the 30 of the surge.
    Four nodes sign in 48, so the crowd that waited can be let in at 42 while 30 more arrive.
    """

    seed: int = 7
    pace: float = 10.0

    # The people.
    residents: int = 60
    """Signed in all day; they come back every two seconds and never give up."""
    visit_s: float = 2.0
    demand: float = 6.0
    surge: float = 24.0
    people: int = 6000
    """Everybody with an account; those who sign in are drawn from them, so a corrupt session is met again."""
    patience_s: float = 15.0
    """How long somebody tries to sign in before giving up, on average; it bounds the crowd at about 300."""
    waiting_max: int = 600
    polite_share: float = 0.5
    """Newcomers whose clients honour Retry-After; the others, and all residents, hammer away once a second."""
    api_rate: float = 10.0

    # The nodes.
    nodes: int = 2
    nodes_floor: int = 2
    nodes_ceiling: int = 8
    workers: int = 20
    """Requests a node works on at a time; pages that wait for the origin take them away from sign-ins."""
    login_slots: int = 3
    login_cost_s: float = 0.25
    login_patience_s: float = 0.8
    corrupts: float = 0.1
    """Share of session writes that the bad release spoils."""

    boot_s: float = 0.5
    """How long a new process has to look well before it is trusted."""

    # The pages. Two nodes hold 174 of 240, four hold all: the event made people want all of them.
    pages: int = 240
    page_spread: float = 30.0
    """On an ordinary day nearly everybody wants one of the first hundred pages."""
    cache_pages: int = 87
    origin_slots: int = 6
    origin_cost_s: float = 0.25
    origin_backlog_s: float = 0.8
    """The origin queues this much work; a node gives up much earlier, so an overloaded origin works in vain."""
    origin_patience_s: float = 0.6

    # The session store: 400 operations a second, of which the API is the first to feel a lack.
    store_slots: int = 5
    store_cost_s: float = 0.0125
    store_patience_s: float = 0.6
    api_patience_s: float = 0.3
    """Shorter than the consumers' so that overload shows here; long enough for the bursts after a stalled machine."""
    session_ttl_s: float = 1800.0

    # The queue of what follows a sign-in from a new device.
    new_device_share: float = 0.5
    greeting_share: float = 0.1
    queue_rate: float = 200.0
    breaker_window: int = 20
    breaker_failures: int = 4

    # The other region, smaller.
    fallback_login_slots: int = 4
    fallback_share_failed: float = 0.2
    """Its breaker opens when this share of its answers over two seconds are errors."""

    # How it is watched.
    scrape_s: float = 0.25
    keep_s: float = 240.0

    def to_json(self) -> str:
        """Return the shape as text for a child's argument list."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Shape":
        """Return the shape that :meth:`to_json` wrote."""
        return cls(**json.loads(text))


RELEASES: dict[int, str] = {
    OLD_RELEASE: "writes sessions in format v0",
    GOOD_RELEASE: "the last good one",
    BAD_RELEASE: "takes the checksum of a session before its newest entry is in it, one time in ten",
}


def incompatible_because(to: int) -> str:
    """Return why release *to* cannot run on today's sessions; empty if it can."""
    if to not in RELEASES:
        return f"release {to} was never built; there are {', '.join(map(str, RELEASES))}"
    return "it reads sessions of format v0 only, and all of them are v1 today" if to == OLD_RELEASE else ""

"""A pool of nodes: slots for sign-ins, workers for everything, and caches."""

from dataclasses import dataclass, field

from relight_practice.model.chance import erlang_b
from relight_practice.shape import BAD_RELEASE

SMOOTHED = 0.25
"""How fast the workers feel a change of load: a request stays about half a second."""


@dataclass(slots=True)
class Node:
    """One node; *pages* is how many of the pages that are its own it holds."""

    name: str
    release: int
    serving: bool
    pages: float


@dataclass(slots=True)
class Pool:
    """Nodes that share the work evenly; *holds* is how many pages one can hold."""

    slots: int
    cost_s: float
    patience_s: float
    workers: int
    holds: float
    nodes: dict[str, Node] = field(default_factory=dict)
    impaired: float = 0.0
    wait_s: float = 0.0
    blocked: float = 0.0
    _in_hand: float = 0.0

    @property
    def serving(self) -> list[Node]:
        """The nodes that take traffic."""
        return [node for node in self.nodes.values() if node.serving]

    @property
    def through(self) -> float:
        """The share of requests that finds a worker on a node that works."""
        return (1 - self.blocked) * (1 - self.impaired) if self._count() else 0.0

    def spoiling(self) -> float:
        """Return the share of the serving nodes that run the bad release."""
        serving = self.serving
        return sum(node.release == BAD_RELEASE for node in serving) / len(serving) if serving else 0.0

    def sign_in(self, offered: float, step_s: float) -> float:
        """Return how many of *offered* sign-ins are worked on; the others find no worker or too long a queue."""
        rate = self.slots * self._count() / self.cost_s
        if not rate:
            return 0.0
        room = max(0.0, (self.patience_s - self.wait_s + step_s) * rate)
        accepted = min(offered * self.through, room)
        self.wait_s = max(0.0, self.wait_s + accepted / rate - step_s)
        self._in_hand += min(offered * (1 - self.impaired), room) / step_s * (self.wait_s + self.cost_s)
        return accepted

    def hold(self, requests: float, stay_s: float, step_s: float) -> None:
        """Have workers busy with other requests for *stay_s* each (Little's law)."""
        self._in_hand += requests * (1 - self.impaired) / step_s * stay_s

    def settle(self) -> None:
        """Work out how many of the next requests will find every worker busy."""
        count = self._count()
        now = erlang_b(self.workers, self._in_hand / count) if count else 1.0
        self.blocked += (now - self.blocked) * SMOOTHED
        self._in_hand = 0.0

    def hits(self, pages: int, spread: float | None) -> float:
        """Return the share of lookups that find their page.

        Args:
            pages: How many there are.
            spread: On ordinary days the first few are wanted most; None if all are wanted alike.
        """
        serving = self.serving
        if not serving:
            return 0.0
        return sum(self._hit(node, pages / len(serving), spread, pages) for node in serving) / len(serving)

    def _hit(self, node: Node, own: float, spread: float | None, pages: int) -> float:
        share = min(1.0, node.pages / own)
        if spread is None:
            return share
        return 1.0 if share >= 1 else 1 - 2.718281828 ** (-share * pages / spread)

    def fill(self, fetched: float, pages: int, spread: float | None) -> None:
        """Keep pages that were fetched, each where it was missed; the least recently used leave."""
        serving = self.serving
        own = pages / max(1, len(serving))
        misses = [1 - self._hit(node, own, spread, pages) for node in serving]
        total = sum(misses)
        if not total:
            return
        for node, missed in zip(serving, misses, strict=True):
            node.pages = min(node.pages + fetched * missed / total, own, self.holds)

    def serve(self, names: set[str], pages: int, *, serving: bool) -> None:
        """Let nodes take traffic or none, and share the pages out anew; a node keeps what stays its own."""
        before = {node.name for node in self.serving}
        for name in names:
            self.nodes[name].serving = serving
        after = len(self.serving)
        for node in self.serving:
            if node.name in before and after > len(before):
                # A new node takes some pages from each of the others; one that was warmed has its share already.
                node.pages *= len(before) / after
            node.pages = min(node.pages, pages / after, self.holds)

    def _count(self) -> int:
        return sum(node.serving for node in self.nodes.values())

"""Intents: everything that should be going on right now, in the imperative, each with an identity of its own.

They are level-triggered: a driver compares them with what it has in hand, starts what is missing
and ends what is no longer wanted (a :class:`Perform` ends only by its report or an explicit :class:`Stop`).
"""

from dataclasses import field
from typing import Any, TypeAlias

from relight.frozen import frozen
from relight.kernel.facts import Purpose
from relight.kernel.plan import Use


@frozen
class Perform:
    """Do this; answer with ``Reported(dispatch=…)``. Identity: *dispatch*.

    *failures_max*: when so many of its hosts have failed no other is begun (0: whatever fails).
    """

    dispatch: int
    step: str
    purpose: Purpose
    use: Use
    args: dict[str, Any]
    key: str
    deadline_t: int
    targets: tuple[str, ...] = ()
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    max_concurrency: int = 1
    failures_max: int = 0
    protective: bool = False

    @property
    def id(self) -> str:
        return f"perform:{self.dispatch}"


@frozen
class Stop:
    """End that dispatch with its children, then report what became of it. Identity: *dispatch*."""

    dispatch: int
    until_t: int

    @property
    def id(self) -> str:
        return f"stop:{self.dispatch}"


@frozen
class ReadProbe:
    """Read this once and answer with ``Read(read=id)``. With *value_in_force*, call the action's ``in_force``.

    *not_before_t* delays it; *timeout_ms* bounds it: a reading that takes longer is an error.
    """

    id: str
    use: Use
    args: dict[str, Any]
    timeout_ms: int = 10_000
    not_before_t: int = 0
    value_in_force: bool = False


@frozen
class Watch:
    """Sample this check and answer with ``Turned(use=id)`` each time the verdict changes.

    Attributes:
        for_ms: Every sample of the last *for_ms* has to pass (0: the last one).
        ratio: Or at least this share of them.
        fail_for_ms: It has to fail this long before the verdict is ``fail``.
        not_before_t: Samples of before do not count: they would read the past.
    """

    id: str
    check: str
    for_ms: int = 0
    ratio: float = 1.0
    fail_for_ms: int = 0
    not_before_t: int = 0


@frozen
class Observe:
    """Read now and then what is really in force of this effect, for people to see. Identity: *key*."""

    key: str
    use: Use
    args: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"observe:{self.key}"


@frozen
class Wake:
    """Send ``Ticked`` at *t*, not later than a moment after. Identity: *t*."""

    t: int

    @property
    def id(self) -> str:
        return f"wake:{self.t}"


AnyIntent: TypeAlias = Perform | Stop | ReadProbe | Watch | Observe | Wake

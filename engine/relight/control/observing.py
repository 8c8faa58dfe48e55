"""A real site as the scene of a rehearsal: it is only looked at.

Probes and queries read the site as it is now, each once; actions go through their own check mode where they have one
and are otherwise only shown. Nothing here performs an action, so nothing that is rehearsed is written.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from relight.drivers.live.intake import Intake
from relight.drivers.live.outcomes import Refused, prepared, said_by
from relight.drivers.live.providers import Providers
from relight.drivers.live.readings import Reader
from relight.drivers.live.sources import Point, Sources
from relight.drivers.rehearsal.calm import Calm
from relight.drivers.rehearsal.scene import Doing, End, Seen
from relight.errors import RelightError
from relight.kernel.intents import Perform, ReadProbe
from relight.kernel.plan import Check, Plan
from relight.kernel.state import Run
from relight.sdk import Action, Call, Failed, OutcomeUnknown, Secrets, TargetHost
from relight.sdk.text import one_line

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from relight.drivers.live.clock import RunClock
    from relight.sdk.registry import Registry

T = TypeVar("T")

CHECK_S = 120.0
"""How long a check mode may take; a playbook on a few hosts takes half of it."""
PREVIEW_S = 5.0
NO_CHECK = "it has no check mode, so it was only shown"
RUN_ID = "rehearsal"


class Observed:
    """Looks at the real site of *plan*; the calm scene gives what only a real action would.

    A context manager: its providers are closed at the end.
    """

    world = "observed"

    def __init__(self, plan: Plan, registry: "Registry", below: Calm) -> None:
        secrets = Secrets()
        self._below = below
        self._providers = Providers(plan.providers, registry, secrets)
        self._intake = Intake(secrets, _kept_nowhere)
        self._reader = Reader(RUN_ID, self._providers, self._intake)
        self._loop = asyncio.new_event_loop()
        self._clock = _Now()
        self._points: dict[str, Point] = {}
        self._seen: dict[str, Seen] = {}
        self.checked: list[str] = []

    def __enter__(self) -> "Observed":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._wait(self._providers.close())
        finally:
            self._loop.close()

    def pass_until(self, t: int) -> int:
        """The site is looked at once; it stays as it was then."""
        self._clock.now_t = t
        return t

    # ---- actions

    def begin(self, act: Perform, run: Run) -> Doing:
        """Go through the action's check mode, or only show it."""
        doing = self._below.begin(act, run)
        ended, why = self._wait(self._check(act))
        if ended is None:
            return Doing(end=doing.end, takes_ms=doing.takes_ms, assumed=why)
        self.checked.append(act.step)
        if ended.word != "succeeded":
            return Doing(end=lambda: ended, takes_ms=doing.takes_ms)

        def end() -> End:
            doing.end()  # so that what is shown as in force is told apart later
            return ended

        return Doing(end=end, takes_ms=doing.takes_ms)

    async def _check(self, act: Perform) -> tuple[End | None, str]:
        """Return how its check mode ended; None: it has none, and why it was only shown."""
        try:
            kind, args = prepared(self._providers, act.use, act.args)
        except Refused as refusal:
            return End(word="failed", error=self._intake.text(refusal.message), retry=False), ""
        if not isinstance(kind, Action):
            return None, NO_CHECK
        call = Call(
            args=args,
            key=act.key,
            run=RUN_ID,
            deadline_s=CHECK_S,
            targets=tuple(TargetHost(name=host) for host in act.targets),
            secrets=self._providers.secrets,
        )
        if type(kind).check is Action.check:
            return None, await self._shown(kind, call)
        try:
            result = await asyncio.wait_for(kind.check(call), CHECK_S)
            given = None if result is None else self._intake.reading(result.model_dump(mode="json"))
        except TimeoutError:
            return End(word="failed", error=f"its check mode took longer than {CHECK_S:g} s"), ""
        except (Failed, OutcomeUnknown, RelightError) as error:
            said = getattr(error, "message", "") or str(error)
            return End(word="failed", error=self._intake.text(said), retry=False), ""
        except Exception as error:  # noqa: BLE001 - a plugin may raise whatever it likes
            return End(word="failed", error=self._intake.text(said_by(error)), retry=False), ""
        if result is None:
            return None, NO_CHECK
        return End(result=given, targets=dict.fromkeys(act.targets)), ""

    async def _shown(self, kind: Action, call: Call) -> str:
        """Return why it was only shown, with what it says it would change where it can tell by reading."""
        said = ""
        with suppress(Exception):  # a preview that fails tells nothing, and nothing hangs on it
            said = one_line(self._intake.text(await asyncio.wait_for(kind.preview(call), PREVIEW_S)))
        return f"{NO_CHECK}: {said}" if said else NO_CHECK

    # ---- readings

    def read(self, reading: ReadProbe, run: Run) -> Seen:
        """Read a probe, or what is in force, once."""
        key = json.dumps([reading.use.provider, reading.use.action, reading.args, reading.value_in_force], default=str)
        if key not in self._seen:
            answer = self._wait(
                self._reader.read(
                    reading.use, reading.args, reading.timeout_ms / 1_000, in_force=reading.value_in_force
                )
            )
            self._seen[key] = Seen(answer.value, answer.error)
        return self._seen[key]

    def sample(self, check: Check, run: Run) -> Seen:
        """Ask a check's query or probe, once; asked again it says the same anew."""
        point = self._points.get(check.id)
        if point is None:
            sources = Sources(check, self._reader, cast("RunClock", self._clock))
            point = self._points[check.id] = self._wait(sources.point())
        return Seen(point.value, point.detail or "no data" if point.kind == "none" else "")

    def readings(self) -> Mapping[str, Point]:
        """Return what each check's source said."""
        return self._points

    def _wait(self, work: "Coroutine[Any, Any, T]") -> T:
        return self._loop.run_until_complete(work)


class _Now:
    """The wall clock of this moment, and the rehearsal's own run clock."""

    def __init__(self) -> None:
        self.now_t = 0

    def at(self) -> int:
        """Return wall milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def t(self) -> int:
        """Return the run's clock."""
        return self.now_t


async def _kept_nowhere(_content: bytes) -> str:
    return ""

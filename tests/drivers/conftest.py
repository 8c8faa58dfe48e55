"""A driver on a virtual clock: nothing sleeps, and what takes hours takes milliseconds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relight.drivers.live import clerk as clerk_module
from relight.drivers.live.clerk import Clerk
from relight.drivers.live.driver import Driver
from relight.drivers.live.inbox import Inboxes
from relight.drivers.live.parts import Parts
from relight.drivers.start import begin_run
from relight.journal.codec import decode
from relight.journal.memory import MemoryJournal, MemoryStore
from relight.journal.port import Answer, Request
from relight.journal.sqlite import SqliteJournal
from relight.kernel.facts import AnyFact
from relight.kernel.plan import Check, Person, Plan, Settle, Stage, Step, Use
from relight.sdk.registry import Registry
from relight.testing.fakes import fake_plugin
from relight.testing.world import FakeWorld


class _Selector(selectors.DefaultSelector):
    """Never waits: when nothing is ready, time jumps to the next timer."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self.jump = jump

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout is None:
            return ready or super().select(0.05)
        if timeout > 0:
            self.jump(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next deadline when all wait."""

    def __init__(self) -> None:
        self._now = 1_000.0
        super().__init__(_Selector(self._jump))

    def _jump(self, seconds: float) -> None:
        self._now += seconds

    def time(self) -> float:
        return self._now


class VirtualClock:
    """The machine's clocks on a virtual loop; a test may set the wall and boot the machine anew."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.wall_offset_ms = 1_763_850_000_000
        self.boot_offset_ms = 0
        self.boot = "boot-1"

    def wall_ms(self) -> int:
        return int(self._loop.time() * 1_000) + self.wall_offset_ms

    def boot_ms(self) -> int:
        return int(self._loop.time() * 1_000) + self.boot_offset_ms

    def boot_id(self) -> str:
        return self.boot


class Value:
    """An expression for tests: the text of a Python one over ``value``."""

    def __init__(self, text: str, names: frozenset[str] = frozenset({"value"}), template: bool = False) -> None:
        self.text, self.names, self.template = text, names, template

    def value(self, scope: Any) -> Any:
        return eval(self.text, {"__builtins__": {}}, dict(scope))


class Bench:
    """One run, its journal, its fake world, and drivers for it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.clock = VirtualClock(loop)
        self.store = MemoryStore()
        self.journal = MemoryJournal(self.store)
        self.world = FakeWorld()
        self.registry: Any = Registry({"fake": fake_plugin(self.world)})
        self.run_id = "r1"
        self.expression = Value
        self._requests = 0

    # ---- plans

    def step(self, name: str, action: str = "do", **more: Any) -> Step:
        """A step that calls one of the fake plugin's own actions."""
        use = {"effect": "destructive" if action == "destroy" else "read" if action == "look" else "write"}
        use |= more.pop("use", {})
        args = more.pop("args", {"name": name} | ({"value": 1} if action == "do" else {}))
        kind = "probe" if action == "look" else "action"
        return Step(
            **{"id": name, "kind": kind, "use": self.use(action, args=args, **use), **more},
        )

    def use(self, action: str, **more: Any) -> Use:
        return Use(**{"capability": f"fake.{action}", "provider": "fake", "action": action, **more})

    def check(self, name: str, pass_when: str = "value < 1", **more: Any) -> Check:
        query = {"name": name, "promql": name, "sources": ["fake"], "window_ms": 0, "max_age_ms": 20_000}
        query |= more.pop("query", {})
        fail = more.pop("fail_when", None)
        return Check(
            **{"id": name, "query": query, "pass_when": Value(pass_when), "fail_when": fail and Value(fail), **more}
        )

    def plan(self, *stages: Any, **more: Any) -> Plan:
        made = [
            stage if isinstance(stage, Stage) else Stage(id=f"s{i}", steps=tuple(stage))
            for i, stage in enumerate(stages)
        ]
        people = (Person(id="ana", roles=("ic",)), Person(id="bo", roles=("ic",)))
        return Plan(**{"runbook": "r", "title": "R", "site": "x", "people": people, "stages": tuple(made), **more})

    # ---- runs

    def begin(self, plan: Plan) -> None:
        begin_run(self.journal, plan, run=self.run_id, starter="ana", door="cli", at=self.clock.wall_ms())

    def driver(self, journal: Any = None, **more: Any) -> Driver:
        """A driver as another process would have it: with a handle of its own."""
        journal = journal or MemoryJournal(self.store)
        parts = Parts(
            registry=self.registry,
            compile_expression=Value,
            clock=self.clock,
            **more.pop("parts", {}),
        )
        return Driver(self.run_id, Clerk(journal), Inboxes(journal), parts, **more)

    def drive(self, plan: Plan, *, within_s: float = 3_600.0, **more: Any) -> Any:
        """Begin the plan and drive it to its end."""
        self.begin(plan)

        async def go() -> Any:
            return await asyncio.wait_for(self.driver(**more).drive(), within_s)

        return self.run(go())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def ask(self, verb: str, person: str = "ana", **more: str) -> str:
        """Put a request in the inbox and return its id."""
        self._requests += 1
        request = f"q{self._requests}"
        body = {"person": person, "door": "cli", "verb": verb, **more}
        self.journal.ask(Request(id=request, run=self.run_id, at=self.clock.wall_ms(), body=body))
        return request

    def answer(self, request: str) -> Answer | None:
        return self.journal.answer(request)

    def facts(self) -> list[AnyFact]:
        return [decode(record.body, Value) for record in self.journal.records(self.run_id)]

    def kinds(self) -> list[str]:
        return [record.kind for record in self.journal.records(self.run_id)]

    async def until(self, seen: Callable[[], Any], within_s: float = 600.0) -> Any:
        """Wait until *seen* is true of the journal."""
        deadline = self.loop.time() + within_s
        while not (found := seen()):
            assert self.loop.time() < deadline, f"never seen; the journal has {self.kinds()}"
            await asyncio.sleep(0.05)
        return found


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A driver's bench on a virtual clock."""
    # However slow this machine is today: a thread would have nothing to wait for on a clock that jumps.
    monkeypatch.setattr(clerk_module, "QUICK_S", float("inf"))
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    yield Bench(loop)
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()
    asyncio.set_event_loop(None)


class Spawned:
    """A driver process."""

    def __init__(self, pid: int, exit_file: Path) -> None:
        self.pid = pid
        self._exit_file = exit_file

    @property
    def alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self, number: int = signal.SIGKILL) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.wait()

    def wait(self, within_s: float = 90.0) -> int | None:
        """Wait for its end and return its exit code, None if it was killed."""
        deadline = time.monotonic() + within_s
        while self.alive:
            assert time.monotonic() < deadline, "it does not end"
            time.sleep(0.002)
        return int(self._exit_file.read_text()) if self._exit_file.exists() else None


class Bed:
    """A run in a real journal, driven by real processes that can be killed."""

    def __init__(self, folder: Path, zygote: Any) -> None:
        self.path = folder / "journal.db"
        self.effects = folder / "effects"
        # Tests run side by side, and what a run started is known by the run's id.
        self.run = f"run-{secrets.token_hex(6)}"
        self.journal = SqliteJournal(self.path)
        self._zygote = zygote
        self._started: list[Spawned] = []
        self._marked: set[int] = set()
        self._requests = 0

    def step(self, name: str, action: str, *, idempotent: bool = False, **args: Any) -> Step:
        more = {"effects": str(self.effects), "name": name, **args}
        use = Use(capability=action, provider="counting", action=action, args=more, effect="write")
        return Step(id=name, kind="action", use=replace(use, idempotent=idempotent))

    def settled(self, name: str, **args: Any) -> Step:
        """A step whose outcome a probe can tell."""
        step = self.step(name, "do", **args)
        assert step.use is not None
        look = replace(step.use, capability="look", action="look", effect="read")
        done = Value("value['value'] == 1")
        return replace(step, settle=Settle(use=look, done_when=done, within_ms=100, interval_ms=50))

    def plan(self, *stages: Any, **more: Any) -> Plan:
        made = [s if isinstance(s, Stage) else Stage(id=f"s{i}", steps=tuple(s)) for i, s in enumerate(stages)]
        people = (Person(id="ana", roles=("ic",)),)
        return Plan(**{"runbook": "r", "title": "R", "site": "x", "people": people, "stages": tuple(made), **more})

    def begin(self, plan: Plan, run: str = "") -> None:
        begin_run(self.journal, plan, run=run or self.run, starter="ana", door="cli", at=time.time_ns() // 1_000_000)

    def start(self, run: str = "", *, kill: str | None = None, take_over: bool = False) -> Spawned:
        """Start a driver process."""
        asked = {"journal": str(self.path), "run": run or self.run, "kill": kill, "take_over": take_over}
        self._zygote.stdin.write(json.dumps(asked) + "\n")
        self._zygote.stdin.flush()
        pid = int(self._zygote.stdout.readline())
        driver = Spawned(pid, Path(f"{self.path}.{pid}.exit"))
        self._started.append(driver)
        return driver

    def ask(self, verb: str, run: str = "", **more: str) -> str:
        self._requests += 1
        request = f"q{self._requests}"
        body = {"person": "ana", "door": "cli", "verb": verb, **more}
        self.journal.ask(Request(id=request, run=run or self.run, at=0, body=body))
        return request

    def mark_what_is_unknown(self) -> None:
        """Do what a person does who looks: mark a step by what really happened, once for each hold."""
        for record in self.journal.records(self.run):
            if record.kind != "held" or record.seq in self._marked:
                continue
            fact: Any = decode(record.body, Value)
            if fact.code == "step-unknown":
                done = "done" if fact.step in self.happened() else "not-done"
                self.ask("mark", subject=fact.step, value=done)
            elif fact.code == "step-failed":
                self.ask("retry", subject=fact.step)
            self._marked.add(record.seq)

    def happened(self) -> list[str]:
        return self.effects.read_text().split() if self.effects.exists() else []

    def error(self) -> str:
        """What the last driver that failed said."""
        path = self.path.with_suffix(".error")
        return path.read_text() if path.exists() else ""

    def hashes(self) -> list[str]:
        return [record.hash for record in self.journal.records(self.run)]

    def facts(self) -> list[AnyFact]:
        return [decode(record.body, Value) for record in self.journal.records(self.run)]

    def kinds(self) -> list[str]:
        return [record.kind for record in self.journal.records(self.run)]

    def until(self, seen: Callable[[], Any], within_s: float = 90.0) -> Any:
        deadline = time.monotonic() + within_s
        while not (found := seen()):
            assert time.monotonic() < deadline, f"never seen; the journal has {self.kinds()}"
            time.sleep(0.002)
        return found

    def close(self) -> None:
        for driver in self._started:
            driver.kill(signal.SIGCONT)
            driver.kill()
        self.journal.close()


@pytest.fixture(scope="session")
def zygote() -> Iterator[Any]:
    """A process that forks drivers."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("zygote.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def bed(tmp_path: Path, zygote: Any) -> Iterator[Bed]:
    """A run in a real journal, and processes to drive it."""
    made = Bed(tmp_path, zygote)
    yield made
    made.close()

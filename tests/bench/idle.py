"""What the driver's benchmarks drive: a plugin that does nothing, plans of it, and the floor beneath."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from relight.drivers.live.parts import Parts
from relight.drivers.start import begin_run
from relight.journal.leaves import KeptExpression
from relight.journal.sqlite import SqliteJournal
from relight.kernel.plan import Approval, Gate, Person, Plan, Stage, Step, Targets, Use
from relight.sdk import Action, Arguments, Call, Contract, Plugin, Provider, Result
from relight.sdk.registry import Registry

SETTINGS = (
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON"
)
TABLE = """CREATE TABLE records (run TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, kind TEXT NOT NULL,
    body BLOB NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (run, seq)) STRICT"""
INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)"
PEOPLE = (Person(id="ana", roles=("ic",)),)


class StampArgs(Arguments):
    """Where the moment is written down."""

    path: str = ""


class Nothing(Result):
    """Nothing."""


class Noop(Action):
    """Does nothing."""

    contract = Contract(name="noop", title="Do nothing", args=Arguments, result=Nothing)

    async def perform(self, call: Call) -> Result:
        return Nothing()


class Stamp(Action):
    """Writes down when it was called."""

    contract = Contract(name="stamp", title="Write down when", args=StampArgs, result=Nothing)

    async def perform(self, call: Call) -> Result:
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        descriptor = os.open(call.args.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{now}\n".encode())
        os.close(descriptor)
        return Nothing()


class Idle(Provider):
    """A provider of nothing."""

    actions = (Noop, Stamp)


def parts(log: Any = None) -> Parts:
    """Return what a driver is put together from."""
    plugin = Plugin(name="idle", summary="Nothing", provider=Idle, needs_config=False)
    more = {} if log is None else {"log": log}
    return Parts(registry=Registry({"idle": plugin}), compile_expression=KeptExpression, **more)


def steps(count: int, action: str = "noop", **args: Any) -> tuple[Step, ...]:
    """Return so many steps."""
    use = Use(capability=f"idle.{action}", provider="idle", action=action, args=args, effect="write")
    return tuple(Step(id=f"step{number}", kind="action", use=use) for number in range(count))


def fan(hosts: int) -> Step:
    """Return one step over so many hosts."""
    (step,) = steps(1)
    names = tuple(f"host-{number}" for number in range(hosts))
    targets = Targets(group="all", hosts=names, batches=(hosts,), max_concurrency=50)
    return Step(id="fan", kind="action", use=step.use, targets=targets)


def gates(count: int, path: Path) -> tuple[Stage, ...]:
    """Return so many stages that a person must open, each with a step that says when it began."""
    gate = Gate(title="?", approval=Approval(roles=("ic",), allow_self_approval=True))
    stamps = steps(count, "stamp", path=str(path))
    return tuple(Stage(id=f"gate{number}", gate=gate, steps=(step,)) for number, step in enumerate(stamps))


def begin(journal: SqliteJournal, *stages: Stage, run: str = "r1") -> None:
    """Begin a run of these stages."""
    plan = Plan(runbook="bench", title="Bench", site="bench", stages=stages, people=PEOPLE)
    begin_run(journal, plan, run=run, starter="ana", door="cli", at=time.time_ns() // 1_000_000)


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder on the disk that the first argument names, or the default one."""
    import tempfile  # what only the measuring needs is not loaded by the drivers that are measured

    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        yield Path(name)


def bare_connection(path: Path) -> apsw.Connection:
    """Return the floor's connection: the same SQLite with the same settings."""
    connection = apsw.Connection(str(path))
    connection.execute(SETTINGS)
    connection.execute(TABLE)
    return connection


@contextmanager
def compiled() -> Iterator[None]:
    """Let processes keep what they compile, as an installed program's do, but not in the source tree."""
    import tempfile

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as cache:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = cache
        yield


def in_turn(rounds: int, *measured: Callable[[], float]) -> list[float]:
    """Return the median of each, measured one after the other, again and again."""
    import statistics

    taken: list[list[float]] = [[] for _ in measured]
    for _ in range(rounds):
        for times, measure in zip(taken, measured, strict=True):
            times.append(measure())
    return [statistics.median(times) for times in taken]


def peak_mib() -> float:
    """Return the most memory that this process ever had.

    ``getrusage`` would say what whoever started it had, where that was more: a child begins as a copy of its parent.
    """
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024

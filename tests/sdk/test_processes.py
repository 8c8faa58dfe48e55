"""Children end when they are told to, with everything that they started, whatever they do about it."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import relight.sdk
from relight.sdk import Finished, Secrets, child_environment, end_marked, find_marked, process_tree, run_process
from relight.sdk.output import OUTPUT_MAX

QUIET = "import os, signal, sys, time\n"


def python(code: str) -> list[str]:
    """Return the command that runs *code*."""
    return [sys.executable, "-c", QUIET + code]


def alive(pid: int) -> bool:
    """Say whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


async def begun(code: str, pids: int = 1, grace_s: float = 0.3) -> tuple["asyncio.Task[Finished]", list[int]]:
    """Start *code* and return its task with the numbers of processes that it prints."""
    said: asyncio.Queue[int] = asyncio.Queue()
    running = run_process(python(code), grace_s=grace_s, on_line=lambda line: said.put_nowait(int(line)))
    task = asyncio.ensure_future(running)
    return task, [await asyncio.wait_for(said.get(), 30) for _ in range(pids)]


async def cancelled(task: "asyncio.Task[Finished]") -> float:
    """Cancel *task* and return how long it took to end."""
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - started


SLEEPS = "os.write(1, str(os.getpid()).encode() + bytes([10])); time.sleep(60)"
STUBBORN = "[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; " + SLEEPS
CHILD = "import subprocess; subprocess.Popen([sys.executable, '-c', 'import os, time; " + SLEEPS + "']); " + SLEEPS
DAEMON = f"""
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    {SLEEPS}
{SLEEPS}
"""
STUBBORN_DAEMON = DAEMON.replace("os.setsid()", "os.setsid(); signal.signal(15, signal.SIG_IGN)")
ORPHAN = f"""
if os.fork() == 0:
    {SLEEPS}
os.write(1, str(os.getpid()).encode() + bytes([10]))
signal.signal(15, lambda *_: os._exit(0))
time.sleep(60)
"""
SILENT = "os.write(1, str(os.getpid()).encode() + bytes([10])); os.close(0); os.close(1); os.close(2); time.sleep(60)"


@pytest.mark.parametrize(
    ("code", "pids"),
    [(SLEEPS, 1), (STUBBORN, 1), (CHILD, 2), (DAEMON, 2), (STUBBORN_DAEMON, 2), (ORPHAN, 2), (SILENT, 1)],
    ids=["polite", "stubborn", "with a child", "with a daemon", "with a stubborn daemon", "leaves first", "silent"],
)
async def test_cancelling_ends_all_of_them(code: str, pids: int) -> None:
    """Children, those that left the session by a double fork, and those that ignore being asked."""
    task, numbers = await begun(code, pids)
    assert await cancelled(task) < 10
    assert [number for number in numbers if alive(number)] == []


async def test_a_polite_child_has_its_grace() -> None:
    """What it does about SIGTERM within the grace period is done to its end."""
    code = (
        """
def tidy(*_):
    time.sleep(0.5)
    os._exit(0)
signal.signal(15, tidy)
"""
        + SLEEPS
    )
    task, _ = await begun(code, grace_s=10)
    assert 0.4 < await cancelled(task) < 10


async def test_impatience_does_not_leave_anybody_behind() -> None:
    """Cancelling again and again while it ends changes nothing about that."""
    task, (pid,) = await begun(STUBBORN, grace_s=0.5)
    for _ in range(5):
        task.cancel()
        await asyncio.sleep(0.05)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(pid)


def test_the_end_of_the_loop_ends_them_too() -> None:
    """A driver that goes down in a hurry still kills what it started."""

    async def main() -> int:
        _, (pid,) = await begun(STUBBORN, grace_s=0.5)
        return pid  # asyncio.run cancels the task that is left

    assert not alive(asyncio.run(main()))


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.003, 0.01])
async def test_cancelling_while_it_starts_leaves_nothing(after_s: float) -> None:
    """There is no moment between the fork and the first line at which it could be forgotten."""
    mark = {"RELIGHT_TEST_MARK": f"{os.getpid()}-{after_s}"}
    for _ in range(10):
        task = asyncio.ensure_future(run_process(python(SLEEPS), env={**os.environ, **mark}, grace_s=0.1))
        await asyncio.sleep(after_s)
        assert await cancelled(task) < 10
    assert find_marked(mark) == frozenset()


async def test_what_a_killed_child_left_is_ended() -> None:
    """Somebody killed it from outside: its children would go on unseen."""
    task, numbers = await begun(CHILD, 2)
    parent, child = sorted(numbers)
    os.kill(parent, signal.SIGKILL)
    assert (await task).exit_code == -signal.SIGKILL
    assert not alive(child)


async def test_a_daemon_that_is_meant_to_stay_stays() -> None:
    """Who ends well may leave somebody behind, even one that holds the output open."""
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    started = time.monotonic()
    finished = await run_process(python(code))
    assert time.monotonic() - started < 30, "it waited for the daemon"
    pid = int(finished.stdout)
    assert alive(pid)
    os.kill(pid, signal.SIGKILL)


async def test_it_says_how_it_ended_and_what_it_said() -> None:
    """Exit codes, signals, both streams, and stdin."""
    finished = await run_process(
        python("sys.stderr.buffer.write(sys.stdin.buffer.read()); sys.exit(3)"), stdin=b"\xff\0x"
    )
    assert (finished.exit_code, finished.stdout, finished.stderr) == (3, b"", b"\xff\0x")
    assert (await run_process(python("os.kill(os.getpid(), 15)"))).exit_code == -15


async def test_a_child_that_does_not_read_is_not_waited_for() -> None:
    """Megabytes that it never takes do not keep it from ending."""
    for code in ("pass", "os.close(0); time.sleep(0.2)"):
        finished = await asyncio.wait_for(run_process(python(code), stdin=b"x" * 4_000_000), 20)
        assert finished.exit_code == 0


async def test_what_cannot_be_started_is_an_os_error() -> None:
    """Nothing was started, and the error says what is missing."""
    with pytest.raises(FileNotFoundError):
        await run_process(["/no/such/program"])
    with pytest.raises(ValueError, match="null byte"):
        await run_process(["echo", "a\0b"])


def _memory_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


HOSTILE: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "a GiB": ("b = b'.' * 2**20\nfor _ in range(1024): os.write(1, b)", lambda out: out.startswith(b"...")),
    "one line of 100 MiB": (
        "b = b'x' * 2**20\nfor _ in range(100): os.write(1, b)",
        lambda out: out.startswith(b"xxx"),
    ),
    "ten million lines": (
        "b = b'y\\n' * 2**19\nfor _ in range(20): os.write(1, b)",
        lambda out: out.endswith(b"y\ny\n"),
    ),
    "NULs": ("b = bytes(2**20)\nfor _ in range(4): os.write(1, b)", lambda out: out.startswith(b"\0\0")),
    "broken UTF-8": (
        "b = b'\\xff\\xc3' * 2**19\nfor _ in range(4): os.write(1, b)",
        lambda out: out[:2] == b"\xff\xc3",
    ),
    "escapes": ("b = b'\\x1b]8;;x\\x07' * 2**17\nfor _ in range(4): os.write(1, b)", lambda out: out[:2] == b"\x1b]"),
}


@pytest.mark.parametrize("flood", HOSTILE)
async def test_a_flood_is_kept_within_bounds(flood: str) -> None:
    """Memory does not grow with it, the loop goes on, and what is missing is counted."""
    code, is_right = HOSTILE[flood]
    lines = 0

    def count(_line: bytes) -> None:
        nonlocal lines
        lines += 1

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    beside = asyncio.ensure_future(tick())
    before = _memory_kib()
    finished = await run_process(python(code), on_line=count)
    beside.cancel()
    assert finished.truncated
    assert len(finished.stdout) < OUTPUT_MAX + 200
    assert is_right(finished.stdout)
    assert b"bytes left out; sha256 of all: " in finished.stdout
    assert _memory_kib() - before < 64 * 1024
    assert ticks
    assert lines < 1_000_000


async def test_secrets_are_taken_out_of_all_that_it_says() -> None:
    """Of both streams and of each line of progress."""
    secrets = Secrets()
    secrets.redactor.add("correct-horse-battery")
    code = "v = 'correct-horse-battery'; print(v); print(v.encode('utf-16-le').hex()); print(v, file=sys.stderr)"
    lines: list[bytes] = []
    finished = await run_process(python(code), secrets=secrets, on_line=lines.append)
    assert finished.stdout == b"[secret]\n[secret]\n"
    assert finished.stderr == b"[secret]\n"
    assert lines == [b"[secret]", b"[secret]"]


async def test_marked_processes_are_found_and_ended_by_anybody() -> None:
    """A driver that takes over knows nothing but the marker, and ends what a dead driver left, daemons too."""
    mark = {"RELIGHT_RUN": "7f3", "RELIGHT_TEST_MARK": str(os.getpid())}
    process = await asyncio.create_subprocess_exec(
        *python(STUBBORN_DAEMON), env={**os.environ, **mark}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    numbers = {int(await process.stdout.readline()) for _ in range(2)}
    assert find_marked(mark) == numbers
    assert find_marked({**mark, "RELIGHT_RUN": "other"}) == frozenset()
    assert find_marked({}) == frozenset()
    assert await end_marked(mark, 0.2) == numbers
    assert [number for number in numbers if alive(number)] == []
    assert await end_marked(mark, 0.2) == frozenset()
    await process.wait()


async def test_the_asking_process_is_never_found() -> None:
    """A driver may itself have been started by a step of another run, and its parent carries the marker as it does."""
    look = "import os; from relight.sdk import find_marked; print(find_marked({'M': '1'}), os.getpid())"
    path = str(Path(relight.sdk.__file__).parents[2])
    env = {**os.environ, "M": "1", "PYTHONPATH": path}
    finished = await run_process(["sh", "-c", f'{sys.executable} -c "{look}"; true'], env=env)
    found, _, asking = finished.stdout.decode().strip().rpartition(" ")
    assert asking.isdigit(), finished.stderr
    assert "{" in found
    assert asking not in found


def test_a_child_gets_a_small_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is named is kept, what is given is added, the later winning."""
    monkeypatch.setenv("GITHUB_TOKEN", "of-the-driver")
    monkeypatch.setenv("LC_NUMERIC", "C")
    environment = child_environment({"A": "1", "PATH": "/x"}, {"A": "2"})
    assert "GITHUB_TOKEN" not in environment
    assert (environment["A"], environment["PATH"], environment["LC_NUMERIC"]) == ("2", "/x", "C")


async def test_where_there_is_no_proc_the_group_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Other systems than Linux cannot look for daemons, but children end all the same."""
    monkeypatch.setattr(process_tree, "_PROC", tmp_path)
    task, numbers = await begun(CHILD.replace("time.sleep(60)", "time.sleep(50)"), 2)
    assert find_marked({"PATH": os.environ["PATH"]}) == frozenset()
    assert await cancelled(task) < 10
    assert [number for number in numbers if alive(number)] == []


async def test_a_start_that_fails_while_it_is_cancelled_is_a_cancellation() -> None:
    """Whoever cancelled hears of that, and not of a program that is missing."""
    task = asyncio.ensure_future(run_process(["/no/such/program"]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_many_run_side_by_side() -> None:
    """Fifty at a time, half of them cancelled, and nobody is left."""
    mark = {"RELIGHT_TEST_MARK": f"many-{os.getpid()}"}
    env = {**os.environ, **mark}
    tasks = [
        asyncio.ensure_future(run_process(["sleep", "0.2" if number % 2 else "60"], env=env, grace_s=1.0))
        for number in range(50)
    ]
    await asyncio.sleep(0.1)
    for task in tasks[::2]:
        task.cancel()
    ended = 0
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            ended += (await task).exit_code == 0
    assert ended == 25
    assert find_marked(mark) == frozenset()

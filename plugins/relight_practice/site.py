"""A whole practice site in one object: start it, break it, look at it, stop it."""

import contextlib
import fcntl
import http.client
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from relight_practice.control.children import command, environment
from relight_practice.parts.part import Orders
from relight_practice.shape import Shape

START_TIMEOUT_S = 60.0
"""Ten processes, two seconds on a quiet machine; the rest is for a machine that is busy with something else."""
STOP_TIMEOUT_S = 15.0
REQUEST_TIMEOUT_S = 60.0
"""The longest order, a deploy over eight nodes on a busy machine, has been seen to take 20 s."""
RECORD = "site.json"
LOCK = "site.lock"


class SiteError(Exception):
    """The site did not start, is not there, or refused; the message says which, and what to look at."""


class PracticeSite:
    """A practice site whose logs and caches live in one directory.

    It ends with the process that started it, however that one ends, unless it is started alone.

    Args:
        directory: Made if it is not there; must not hold another running site.
        pace: How much faster practice time runs: at 10 a practice minute takes six seconds.
        seed: Of all dice.
        shape: The numbers of the site, for those who want another brownout.
    """

    def __init__(self, directory: Path, *, pace: float = 10.0, seed: int = 7, shape: Shape | None = None) -> None:
        if not 1 <= pace <= 60:
            raise SiteError(f"pace must be from 1 to 60, not {pace:g}")
        values = {} if shape is None else json.loads(shape.to_json())
        self.directory = Path(directory)
        self.shape = Shape(**{**values, "pace": pace, "seed": seed})
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._attached_pid = 0

    @classmethod
    def attach(cls, directory: Path) -> "PracticeSite":
        """Return the site that runs in *directory*, started by another process.

        Raises:
            SiteError: there is none.
        """
        try:
            record = json.loads((Path(directory) / RECORD).read_text())
            url, pid, pace = str(record["url"]), int(record["pid"]), float(record["pace"])
        except (OSError, ValueError, KeyError, TypeError):
            raise SiteError(f"no practice site in {directory}; start one with `up`") from None
        site = cls(directory, pace=pace)
        site.url, site._attached_pid = url, pid
        if not _is_ours(pid):
            raise SiteError(f"the practice site in {directory} has ended; start one with `up`")
        return site

    def start(self, *, alone: bool = False, timeout_s: float = START_TIMEOUT_S) -> str:
        """Start every process, wait until all of them answer, and return the site's address.

        Raises:
            SiteError: something did not come up; nothing is left running.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._locked() as lock, (self.directory / "control.log").open("ab") as log:
                self._process = self._launch(lock, log, alone=alone)
        except OSError as error:
            raise SiteError(f"no practice site can be in {self.directory}: {error.strerror or error}") from None
        try:
            line = self._first_line(timeout_s)
            self.url = f"http://127.0.0.1:{int(json.loads(line)['port'])}"
        except (ValueError, KeyError):
            self.stop()
            raise SiteError(f"the practice site did not come up; see {self.directory / 'control.log'}") from None
        except BaseException:
            self.stop()
            raise
        record = {"url": self.url, "pid": self._process.pid, "pace": self.shape.pace}
        (self.directory / RECORD).write_text(json.dumps(record) + "\n")
        return self.url

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """Hold the directory's lock; who inherits it holds it on, and its end frees it, however that comes."""
        lock = os.open(self.directory / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SiteError(f"a practice site {self._other()} in {self.directory} already") from None
            yield lock
        finally:
            os.close(lock)

    def _other(self) -> str:
        """Return what the site that holds the directory does."""
        try:
            return f"runs at {self.attach(self.directory).url}"
        except SiteError:
            return "starts"

    def _launch(self, lock: int, log: BinaryIO, *, alone: bool) -> subprocess.Popen[bytes]:
        orders = Orders(part="control", name="control", shape=self.shape, directory=str(self.directory.resolve()))
        return subprocess.Popen(
            command("control", orders.to_json(), *(["--alone"] if alone else [])),
            stdin=subprocess.DEVNULL if alone else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment(),
            pass_fds=(lock,),
            start_new_session=True,  # Ctrl-C is for whoever started us; we are stopped in order
        )

    def _first_line(self, timeout_s: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            return self._process.stdout.readline() if selector.select(timeout_s) else b""

    def stop(self) -> None:
        """End every process of the site; harmless if there is none."""
        if self._process is None:
            self._stop_attached()
            return
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        (self.directory / RECORD).unlink(missing_ok=True)

    def _stop_attached(self) -> None:
        if not self._attached_pid:
            return
        pid, self._attached_pid = self._attached_pid, 0
        with contextlib.suppress(SiteError):  # a control that does not answer is killed below
            self.request("POST", "/shutdown")
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while _is_ours(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        if _is_ours(pid):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        (self.directory / RECORD).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    # ---- what can be asked of it

    def request(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        """Send one order or question and return the answer's JSON.

        Raises:
            SiteError: it was refused, or nobody answers.
        """
        port = int(self.url.rpartition(":")[2] or 0)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_TIMEOUT_S)
        try:
            connection.request(
                method,
                path,
                body=None if body is None else json.dumps(body),
                headers={"Idempotency-Key": key} if key else {},
            )
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise SiteError(f"the practice site at {self.url} does not answer: {error}") from None
        finally:
            connection.close()
        if response.status >= 400:
            raise SiteError(str(answer.get("message", answer)))
        return answer

    def state(self) -> dict[str, Any]:
        """Return everything that is in force, and the figures of this moment."""
        state: dict[str, Any] = self.request("GET", "/state")
        return state

    def figures(self) -> dict[str, float | None]:
        """Return the figures that the site document's queries name; None where there is no data."""
        return {name: None if text is None else float(text) for name, text in self.state()["figures"].items()}

    def fault(self, kind: str = "brownout", *, seconds: float | None = None, surge: float | None = None) -> None:
        """Break it: ``brownout``, or only the ``release`` or the ``surge`` of it, or the whole ``region``.

        A region gets well after *seconds*, 45 if left out; 0 stands for never.
        A surge is *surge* people a second on top of everyday; 24 if left out.
        """
        self.request("POST", "/fault", {"kind": kind, "seconds": seconds, "surge": surge})

    def calm(self) -> None:
        """End the surge and heal the region; a bad release and corrupt sessions stay."""
        self.request("POST", "/calm")


def _is_ours(pid: int) -> bool:
    """Return whether *pid* is a living site's: the number of one that has ended may be somebody else's by now."""
    if not _is_alive(pid):
        return False
    try:
        return b"relight_practice" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True  # no /proc here


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True  # no /proc here; the signal said that it is there
    return stat.rpartition(")")[2].split()[0] != "Z"

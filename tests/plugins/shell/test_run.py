"""``shell.run`` and ``shell.probe``: what an ending means, and what a command gets to see."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pydantic
import pytest

from relight.sdk import Failed, OutcomeUnknown, Secrets, TargetHost
from relight.testing.calling import call_for
from relight_shell import plugin
from relight_shell.arguments import CommandResult, RunArgs
from relight_shell.commands import Read, Run


def python(code: str) -> list[str]:
    """Return the command that runs *code*."""
    return [sys.executable, "-c", code]


async def run(config: dict[str, Any] | None = None, more: dict[str, Any] | None = None, **args: Any) -> CommandResult:
    """Run a command as a driver would."""
    provider = plugin.provider("shell", plugin.provider.Config(**config or {}), Secrets())
    return await Run(provider).perform(call_for(Run.contract, args, **more or {}))


async def read(**args: Any) -> CommandResult:
    """Read a command's output as a driver would."""
    provider = plugin.provider("shell", plugin.provider.Config(), Secrets())
    return await Read(provider).read(call_for(Read.contract, args))


async def test_a_good_exit_gives_what_it_said() -> None:
    """Exit code, output and errors are the result."""
    result = await run(argv=python("import sys; print('out'); print('err', file=sys.stderr)"))
    assert result == CommandResult(exit_code=0, stdout="out\n", stderr="err\n")


async def test_a_bad_exit_is_a_failure_that_can_be_retried() -> None:
    """The message ends with the last thing it said, on one line and without control characters."""
    with pytest.raises(Failed, match=r"exited with 3: no \[2J space left$") as failed:
        await run(
            argv=python(
                r"import sys; print('first\nno \x1b[2J space\nleft'.replace('\nl',' l'), file=sys.stderr); sys.exit(3)"
            )
        )
    assert failed.value.retry


async def test_other_exit_codes_may_be_good() -> None:
    """``ok_codes`` says which."""
    result = await run(argv=python("import sys; sys.exit(2)"), ok_codes=[0, 2])
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"argv": ["no-such-program-anywhere"]}, "there is no program no-such-program-anywhere"),
        ({"argv": ["/etc/passwd"]}, "may not be run"),
        ({"argv": ["true", "x" * 3_000_000]}, "could not be started: Argument list too long"),
        ({"argv": ["true"], "cwd": "/no/such/place"}, "there is no directory /no/such/place"),
        ({"argv": ["true"], "secret_env": {"A": "env:RELIGHT_NO_SUCH"}}, "the environment has no RELIGHT_NO_SUCH"),
    ],
)
async def test_what_cannot_start_certainly_did_not_happen(args: dict[str, Any], said: str) -> None:
    """Nothing was done, and trying again does not help."""
    with pytest.raises(Failed, match=said) as failed:
        await run(**args)
    assert not failed.value.retry


async def test_a_signal_from_outside_leaves_the_outcome_unknown() -> None:
    """Somebody killed it in the middle: nobody can say how far it came."""
    with pytest.raises(OutcomeUnknown, match="ended by signal 9"):
        await run(argv=python("import os; os.kill(os.getpid(), 9)"))


async def test_a_deadline_ends_it_and_leaves_the_outcome_unknown() -> None:
    """It is ended with its children, and nobody can say how far it came."""
    said: list[str] = []
    code = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    with pytest.raises(OutcomeUnknown, match=r"still ran after 1\.5 s"):
        await run(argv=python(code), more={"deadline_s": 1.5, "grace_s": 0.2, "progress": said.append})
    assert not alive(int(said[0]))


async def test_cancelling_ends_it() -> None:
    """The cancellation comes through once nothing is left, even of a command that ignores being asked."""
    said: asyncio.Queue[str] = asyncio.Queue()
    code = "import os, signal, time; signal.signal(15, signal.SIG_IGN); print(os.getpid(), flush=True); time.sleep(60)"
    task = asyncio.ensure_future(run(argv=python(code), more={"grace_s": 0.2, "progress": said.put_nowait}))
    pid = int(await said.get())
    task.cancel()
    started = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 30, "it waited for the command's own end"
    assert not alive(pid)


def alive(pid: int) -> bool:
    """Say whether a process still runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


async def test_it_sees_a_small_environment_and_its_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver's own credentials are not its children's."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-driver")
    monkeypatch.setenv("LC_TIME", "C")
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    result = await run(
        config={"env": {"A": "site", "B": "site"}},
        argv=python(code),
        env={"B": "step", "N": 5},
        parse="json",
        more={"marker": {"RELIGHT_RUN": "7f3"}},
    )
    seen = result.value
    assert "AWS_SECRET_ACCESS_KEY" not in seen
    assert {name: seen.get(name) for name in ("A", "B", "N", "RELIGHT_RUN", "LC_TIME", "PATH")} == {
        "A": "site",
        "B": "step",
        "N": "5",
        "RELIGHT_RUN": "7f3",
        "LC_TIME": "C",
        "PATH": os.environ["PATH"],
    }


async def test_a_secret_reaches_it_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the value; its output, its errors and its progress do not show it."""
    monkeypatch.setenv("DB_PASSWORD", "correct horse/battery")
    seen: list[str] = []
    code = (
        "import base64, os, sys; v = os.environ['PW']; print(len(v), v); print(base64.b64encode(v.encode()).decode());"
        "sys.exit(v if len(sys.argv) > 1 else 0)"
    )
    secrets = Secrets()
    args: dict[str, Any] = {
        "env": {"PW": "env:DB_PASSWORD"},
        "more": {"progress": seen.append, "secrets": secrets},
    }
    result = await run(argv=python(code), **args)
    assert result.stdout.splitlines() == ["21 [secret]", "[secret]=="] or result.stdout.splitlines()[0] == "21 [secret]"
    with pytest.raises(Failed, match=r"exited with 1: \[secret\]$"):
        await run(argv=[*python(code), "fail"], **args)
    assert seen
    assert "horse" not in f"{result} {seen}"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"argv": "rm -rf /"}, "write the command as a list"),
        ({"argv": []}, "starts with the program"),
        ({"argv": ["", "x"]}, "starts with the program"),
        ({"argv": ["a\0b"]}, "NUL"),
        ({"argv": ["a", True]}, "valid string"),
        ({"argv": ["a"], "env": {"A=B": "c"}}, "a variable's name"),
        ({"argv": ["a"], "secret_env": {"A": "hunter2"}}, "a secret is a reference"),
        ({"argv": ["a"], "cwd": "here"}, "write the whole path"),
        ({"argv": ["a"], "shell": True}, "Extra inputs"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(args: dict[str, Any], said: str) -> None:
    """Each refusal says what to write instead, and repeats no value."""
    with pytest.raises(pydantic.ValidationError, match=said) as refused:
        RunArgs(**args)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("value", ["file:///srv/x", "jdbc:postgresql://h/db", "env: prod", "vault://x"])
def test_ordinary_values_are_not_taken_for_references(value: str) -> None:
    """An address is an address."""
    assert RunArgs(argv=["a"], env={"A": value}).env == {"A": value}


HOSTILE = [
    "$(touch pwned)",
    "`id`",
    "; reboot",
    "| cat /etc/passwd",
    "&& false",
    "{{ 7*7 }}",
    "${{ inputs.x }}",
    "%x%n",
    "\n--help",
    "--option",
    "*",
    "~",
    "\x1b[2J",
    "\u202egpj.exe",
    "' OR 1=1 --",
    "<!channel>",
    "env:HOME",
]


@pytest.mark.parametrize("payload", HOSTILE)
async def test_an_argument_arrives_byte_for_byte(payload: str) -> None:
    """Nothing on the way reads it: no shell, no template, no reference."""
    code = "import json, sys; print(json.dumps([sys.argv[1], sys.stdin.read()]))"
    result = await run(argv=[*python(code), payload], stdin=payload, parse="json")
    assert result.value == [payload, payload]


@pytest.mark.parametrize(
    ("output", "value"),
    [("42", 42), (" -3.5\n", -3.5), ("1e3", 1000.0), ("007", 7), ("1e999", None), ("nan", None), ("12 apples", None)],
)
async def test_output_that_is_a_number_is_the_value(output: str, value: float | None) -> None:
    """Output that looks like one number is one, of a probe and of an action alike."""
    assert (await read(argv=["echo", output])).value == value
    assert (await run(argv=["echo", output])).value == value


async def test_json_is_parsed_on_request() -> None:
    """What is no JSON is no reading for a probe, and for an action it is not known what was done."""
    argv = ["echo", '{"depth": 3}']
    assert (await read(argv=argv, parse="json")).value == {"depth": 3}
    with pytest.raises(Failed, match="no usable JSON"):
        await read(argv=["echo", "NaN"], parse="json")
    with pytest.raises(OutcomeUnknown, match="exited with 0, but its output is no usable JSON"):
        await run(argv=["echo", "hello"], parse="json")
    with pytest.raises(OutcomeUnknown):
        await run(argv=python("print('[' * 100000)"), parse="json")


async def test_a_probe_that_fails_gives_no_reading() -> None:
    """A signal is a failure to read, not an unknown outcome: nothing was changed."""
    with pytest.raises(Failed):
        await read(argv=python("import os; os.kill(os.getpid(), 9)"))


async def test_hostile_output_fits_into_a_result() -> None:
    """A gigabyte, NULs, broken UTF-8 and escape sequences become a capped text that says what is missing."""
    code = r"import sys; w = sys.stdout.buffer.write; [w(b'\0\xff\x1b]0;title\x07' * 4096) for _ in range(2000)]"
    result = await run(argv=python(code))
    assert result.truncated
    assert "left out" in result.stdout
    assert len(result.model_dump_json()) < 16 * 1024


async def test_a_grandchild_that_holds_the_output_does_not_hold_the_step() -> None:
    """A command may leave a daemon behind, which keeps its pipes open for ever."""
    started = time.monotonic()
    result = await run(argv=python("import subprocess; print('started', subprocess.Popen(['sleep', '60']).pid)"))
    assert time.monotonic() - started < 30, "it waited for the daemon"
    pid = int(result.stdout.split()[1])
    assert alive(pid)
    os.kill(pid, 9)


async def test_the_preview_shows_what_would_be_typed() -> None:
    """One line, quoted."""
    provider = plugin.provider("shell", plugin.provider.Config(), Secrets())
    call = call_for(Run.contract, {"argv": ["echo", "a b", "x\ny"]})
    assert await Run(provider).preview(call) == "runs echo 'a b' 'x y'"
    assert (await provider.ping()).startswith("runs commands as ")


async def test_a_fan_out_tells_each_command_its_host() -> None:
    """``{target}`` alone is the host, as is RELIGHT_TARGET; a word that only holds it is left as it is."""
    code = "import os, sys; print(os.environ['RELIGHT_TARGET'], *sys.argv[1:])"
    result = await run(more={"targets": (TargetHost(name="edge-1"),)}, argv=[*python(code), "{target}", "a{target}"])
    assert result.stdout == "edge-1 edge-1 a{target}\n"
    alone = await run(argv=[*python("import sys; print(sys.argv[1])"), "{target}"])
    assert alone.stdout == "{target}\n"


async def test_a_script_whose_interpreter_is_missing_says_so(tmp_path: Path) -> None:
    """The script is there, and to say that it is not would send somebody to look for it."""
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(Failed, match="its first line"):
        await run(argv=[str(script)])

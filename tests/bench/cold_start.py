"""What is typed in a hurry, cold: ``relight --help``, ``status``, ``runs`` and ``approve``, beside ``import click``.

Every command is a process of its own, measured in turn with its floor, so that the machine's mood is the same for all.
What is compiled in the first round, which is not counted, is there in the others.
``approve`` names a ticket that does not exist: a real driver decides and answers, and the run stays as it is.
Goals: help at most 2 times the floor, the others at most 3 times.
"""

import os
import statistics
import subprocess
import sys
import time

from idle import compiled, folder

ROUNDS = 15
FLOOR = [sys.executable, "-c", "import click"]
RELIGHT = [sys.executable, "-P", "-c", "import sys; from relight.cli import main; sys.exit(main())"]
GOALS = {"--help": 2.0, "runs": 3.0, "status": 3.0, "approve": 3.0}
RUNBOOK = """\
runbook: bench
schema: relight/v1
title: Waits at a gate
stages:
  - id: only
    gate:
      title: Go on?
      approval: {roles: [boss], allow_self_approval: true}
    steps: [{id: nap, action: wait, with: {duration: 1s}}]
"""
SITE = "site: bench\nschema: relight/v1\nenvironment: test\npeople: [{id: me, roles: [boss], os: nobody-here}]\n"


def took_ms(argv: list[str]) -> float:
    """Return the milliseconds that a process takes from its start to its end."""
    began = time.perf_counter()
    subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return (time.perf_counter() - began) * 1_000


def measured(commands: dict[str, list[str]]) -> dict[str, list[float]]:
    """Return the times of every command, all of them in each round."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS + 1):
        for name, argv in commands.items():
            times[name].append(took_ms(argv))
    return {name: found[1:] for name, found in times.items()}


def main() -> None:
    """Measure, and print each command's median and its ratio to the floor."""
    with compiled(), folder() as place:
        os.environ["RELIGHT_HOME"] = str(place / "home")
        (place / "bench.runbook.yaml").write_text(RUNBOOK)
        (place / "bench.site.yaml").write_text(SITE)
        start = ["run", str(place / "bench.runbook.yaml"), "--site", str(place / "bench.site.yaml"), "--yes"]
        subprocess.run(
            [*RELIGHT, *start, "--until-decision"], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        listed = subprocess.run([*RELIGHT, "runs", "-o", "jsonl"], capture_output=True, text=True, check=True)
        run = listed.stdout.partition('"run":"')[2][:8]
        try:
            times = measured(
                {
                    "floor": FLOOR,
                    "--help": [*RELIGHT, "--help"],
                    "runs": [*RELIGHT, "runs"],
                    "status": [*RELIGHT, "status", run],
                    "approve": [*RELIGHT, "approve", run, "only/none"],
                }
            )
        finally:
            subprocess.run([*RELIGHT, "abort", run], capture_output=True, check=False)
            time.sleep(1)
        floor = statistics.median(times.pop("floor"))
        print(f"import click: {floor:.0f} ms")
        for name, found in times.items():
            median = statistics.median(found)
            print(f"relight {name}: {median:.0f} ms")
            print(f"ratio {median / floor:.2f} (goal {GOALS[name]:g})")


if __name__ == "__main__":
    main()

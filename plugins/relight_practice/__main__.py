"""``python -m relight_practice``: the practice site by hand, for training without a runbook."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from relight_practice.site import PracticeSite, SiteError

WATCH_S = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; 1 and a sentence where that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m relight_practice", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("up", "start a site and leave it running"),
        ("fault", "break it"),
        ("calm", "end the surge; what is broken stays broken"),
        ("status", "show what is in force and the figures"),
        ("down", "stop it"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--dir", type=Path, required=True, help="where its logs and caches are")
        if name == "up":
            command.add_argument("--pace", type=float, default=10.0, help="practice seconds in a real one (default 10)")
            command.add_argument("--seed", type=int, default=7, help="of all dice")
        if name == "fault":
            command.add_argument("--kind", default="brownout", choices=("brownout", "release", "surge", "region"))
            command.add_argument("--seconds", type=float, help="until a region is well again (default 45; 0: never)")
            command.add_argument("--surge", type=float, help="how many more people come a second (default 24)")
        if name == "status":
            command.add_argument("--watch", action="store_true", help="a line each second until interrupted")
    options = parser.parse_args(arguments)
    try:
        _do(options)
    except SiteError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _do(options: argparse.Namespace) -> None:
    if options.command == "up":
        site = PracticeSite(options.dir, pace=options.pace, seed=options.seed)
        sys.stdout.write(f"{site.start(alone=True)}\n")
        return
    site = PracticeSite.attach(options.dir)
    match options.command:
        case "fault":
            site.fault(options.kind, seconds=options.seconds, surge=options.surge)
        case "calm":
            site.calm()
        case "down":
            site.stop()
        case _:
            _show(site, watch=options.watch)


def _show(site: PracticeSite, *, watch: bool) -> None:
    if not watch:
        sys.stdout.write(_whole(site.state(), site.url))
        return
    sys.stdout.write(HEADER)
    begun = time.monotonic()
    while True:
        sys.stdout.write(line(site.state(), time.monotonic() - begun))
        sys.stdout.flush()
        time.sleep(WATCH_S)


HEADER = "    t  edge5xx  login!  c.writes  c.reads   out   hits  queue  served  api!   throttle    nodes rel\n"


def line(state: dict[str, Any], seconds: float) -> str:
    """Return one line of the curve: what hurts, and what is in force against it."""
    figures = {name: float("nan") if text is None else float(text) for name, text in state["figures"].items()}
    throttle = state["throttle"]
    in_force = f"{throttle['percent']:g}%,{throttle['max_rate']}"
    serving = sum(1 for node in state["nodes"].values() if node.get("serving"))
    return (
        f"{seconds:5.0f}  {figures['edge_5xx_ratio']:7.1%} {figures['login_error_ratio']:7.1%}"
        f" {figures['corrupt_writes']:8.2f} {figures['corrupt_reads']:8.2f} {figures['users_locked_out']:6.0f}"
        f" {figures['cache_hit_ratio']:6.1%} {figures['queue_depth']:6.0f} {figures['admitted_over_asked']:7.1%}"
        f" {figures['api_error_ratio']:5.1%}   {in_force:12}{serving}/{len(state['nodes'])}"
        f" {state['deploy']['release']}\n"
    )


def _whole(state: dict[str, Any], url: str) -> str:
    throttle, sessions, queue, people = state["throttle"], state["sessions"], state["queue"], state["people"]
    deploy, failover = state["deploy"], state["failover"]
    nodes = ", ".join(
        f"{name} ({node['release']}{'' if node.get('serving') else ', not serving'})"
        for name, node in state["nodes"].items()
    )
    rows = [
        ("site", f"{url}, up {state['up_s']:.0f} s, pace {state['pace']:g}"),
        ("release", f"{deploy['release']}, before it {deploy['previous']}{', frozen' if deploy['frozen'] else ''}"),
        ("nodes", nodes),
        ("throttle", f"{throttle['percent']:g}% of sign-ins, {throttle['max_rate']} a second"),
        ("failover", f"{failover['weights']['fallback']:g}% on the fallback pool"),
        ("sessions", f"{sessions['total']}, {sessions['corrupt']} corrupt, {sessions['quarantined']} in quarantine"),
        ("queue", f"{queue['depth']} wait, {queue['max_rate']} a second, breaker {queue['breaker']}"),
        ("people", f"{people['locked_out']} locked out, {people['locked_out_worst']} at worst"),
        *((name, "no data" if text is None else f"{float(text):.4g}") for name, text in state["figures"].items()),
        *([("DEAD", ", ".join(state["dead"]))] if state["dead"] else []),
    ]
    return "".join(f"{name:20} {text}\n" for name, text in rows)


if __name__ == "__main__":
    sys.exit(main())

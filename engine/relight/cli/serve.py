"""The command that drives runs for everybody, and opens the doors: the API, and whatever else is installed."""

import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import SplitResult, urlsplit

import click

from relight.cli.door import Door, with_door
from relight.cli.terminal import write_lines
from relight.errors import Locked, UsageError

if TYPE_CHECKING:
    from relight.control.sites import Sites
    from relight.journal.port import Journal

PORT = 8420
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@click.command()
@click.option("--site", "sites", multiple=True, metavar="SITE", help="A site's document, or its name; again for more.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where the doors listen.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
@click.option("--called", "names", multiple=True, metavar="NAME", help="A name by which browsers may call it.")
@click.option("--url", default="", metavar="URL", help="Where people find the page, where a proxy stands before it.")
@click.option("--name", default="", metavar="NAME", help="What this serve is called where several share a journal.")
@with_door
def serve(
    door: Door, sites: tuple[str, ...], host: str, port: int, names: tuple[str, ...], url: str, name: str
) -> NoReturn:
    """Drive runs for everybody, and open the doors: the API, chat, the page.

    It takes runs that are handed over, and those whose driver is gone, of the sites that are named, or else of your
    configuration's. The API listens on this machine alone unless --host says otherwise; put a proxy that speaks TLS
    before it then. SIGTERM gives all runs back; kill -9 loses nothing.
    """
    from relight import bootstrap
    from relight.control.doors import Options
    from relight.control.sites import Sites

    found_at = _address(url)
    paths = _paths(sites)
    known = Sites(paths)
    if not door.journal_url and (shared := _journal_of(known)):
        door.journal_url = shared
    called = name or f"{socket.gethostname()}-{os.getpid()}"
    if not NAME.fullmatch(called):
        raise UsageError(f"{called!r} is no name for a serve", hint="letters, digits, dots and dashes, at most 63")
    _refuse_a_second(door.new_journal, called)
    door.new_journal.close()
    # What plugins print goes to the log; the terminal keeps a way of its own.
    with os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace") as terminal:

        def said(text: str) -> None:
            write_lines([text], terminal)
            terminal.flush()

        options = Options(host, port, (*names, found_at.hostname or "") if url else names, url.rstrip("/"))
        code = bootstrap.serve(door.journal_url or None, known, options, name=called, said=said)
    # Whatever a plugin left hanging in a thread keeps this process from nothing any more.
    os._exit(code)


def _address(url: str) -> SplitResult:
    try:
        found = urlsplit(url)
        good = not url or (found.scheme in ("http", "https") and found.hostname and not found.path.strip("/"))
    except ValueError:
        good, found = False, urlsplit("")
    if not good or found.query or found.fragment or found.username:
        raise UsageError(f"{url!r} is no address of a page", hint="write --url https://relight.example.org")
    return found


def _refuse_a_second(journal: "Journal", name: str) -> None:
    """Refuse a name that a living serve of this host has; a dead one's is free at once.

    Raises:
        Locked: there is one.
    """
    from relight.control.handing import alive
    from relight.control.wording import now_ms

    for other in alive(journal, now_ms()):
        if other.name == name and other.host == socket.gethostname() and _lives(other.pid):
            raise Locked(
                f"there is a serve {name} already, process {other.pid}", hint="give this one another --name, or none"
            )


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _paths(names: tuple[str, ...]) -> list[Path]:
    from relight.cli.configuration import configuration, find_site

    if names:
        return [find_site(name) for name in names]
    config = configuration()
    if not config.sites:
        raise UsageError(
            "no site is named, so nobody could be known at any door",
            hint=f"give --site SITE, or name your sites in {config.path}",
        )
    return list(config.sites.values())


def _journal_of(sites: "Sites") -> str:
    urls = {site.document.journal for site in sites if site.document.journal}
    if len(urls) > 1:
        raise UsageError(
            f"these sites have {len(urls)} journals: {', '.join(sorted(urls))}", hint="start one serve for each"
        )
    return urls.pop() if urls else ""

"""Slack, as a channel: Bolt speaks to it, and everything that is particular to it is in this package.

What does not belong here: what a message says and who may do what (the floor above it in ``relight.chat``).
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from relight.errors import UsageError

if TYPE_CHECKING:
    from relight.chat.part import Line
    from relight.control.reception import Reception
    from relight.control.sites import Sites
    from relight.runbook.site_doors import SlackRoom

Credentials = tuple[str, str, tuple[str, ...]]


def lines(reception: "Reception") -> "Iterable[Line]":
    """Yield one line to Slack for each app that the sites name; the entry point ``slack`` of ``relight.channels``.

    Raises:
        UsageError: Bolt is not installed.
        SecretError: a token is not where the site's document says.
    """
    from relight.chat.part import Line

    apps = {_credentials(room) for room in _rooms(reception.sites).values()}
    if not apps:
        return
    try:
        from relight.chat.slack.channel import Slack
        from relight.chat.slack.settings import settings_of
    except ModuleNotFoundError as error:
        raise UsageError(
            f"Slack needs {error.name}, which is not installed", hint="pip install 'relight[slack]'"
        ) from error
    for app in sorted(apps, key=repr):
        settings = settings_of(*app)
        yield Line(Slack(settings, reception), partial(rooms, reception.sites, app))


def rooms(sites: "Sites", app: Credentials) -> Mapping[str, str]:
    """Return the channel of each site that talks through this app, as their documents say now."""
    return {site: room.channel for site, room in _rooms(sites).items() if _credentials(room) == app}


def _rooms(sites: "Sites") -> "dict[str, SlackRoom]":
    return {
        site.name: site.document.chat.slack
        for site in sites
        if site.document.chat is not None and site.document.chat.slack is not None
    }


def _credentials(room: "SlackRoom") -> Credentials:
    return room.bot_token, room.app_token or "", tuple(room.signing)

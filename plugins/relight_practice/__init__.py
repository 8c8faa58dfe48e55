"""The practice site: a small sign-in service of real processes on loopback that can be broken and recovered.

It exists so that a runbook can be drilled against something that really browns out: an edge, app nodes, a session
store, an origin, a queue, a second surface and a crowd of impatient people, with nothing to install.

What does not belong here: anything that knows runs, gates or journals.
The site is broken and mended through its control address alone, by the plugin below as by anybody else.
"""

from typing import TYPE_CHECKING, Any

from relight_practice.document import practice_people, site_document
from relight_practice.site import PracticeSite, SiteError

if TYPE_CHECKING:
    from relight_practice.provider import plugin

__all__ = ["PracticeSite", "SiteError", "plugin", "practice_people", "site_document"]


def __getattr__(name: str) -> Any:
    # The site's own processes import this package too, and they start in a tenth of a second because nothing but
    # the standard library comes with it; only whoever asks for the plugin pays for the sdk.
    if name == "plugin":
        from relight_practice.provider import plugin as found

        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

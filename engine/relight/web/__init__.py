"""The web door: the API, and what measures a serve; the page joins it with routes of its own.

What does not belong here: what may be done and by whom (``control``), and the shape of documents that the command line
shows as well. Starlette and uvicorn stay in this package.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relight.control.doors import Options, Part


def part(options: "Options") -> "Part":
    """Return the web door as a part of a serve; the entry point ``web`` of the group ``relight.parts``.

    Raises:
        UsageError: what it needs is not installed.
    """
    from relight.errors import UsageError

    try:
        from relight.web.server import Web
    except ModuleNotFoundError as error:
        raise UsageError(
            f"relight serve needs {error.name}, which is not installed", hint="pip install 'relight[web]'"
        ) from error
    return Web(options)

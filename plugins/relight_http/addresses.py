"""Where a request goes: an address, a base that it must not leave, and parameters that stay data."""

import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from relight.sdk import Failed

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
TARGET_WORD = "{target}"
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


def address(base: str, url: str, query: Mapping[str, Any]) -> str:
    """Return the whole address of *url* with *query* behind it.

    Raises:
        Failed: it leads away from *base*, or there is no base to put before it.
    """
    if _CONTROL.search(url):  # urlsplit would take some of them out without a word
        raise Failed("the address holds spaces or control characters", retry=False)
    if _ABSOLUTE.match(url):
        whole = url
        if base and _server(whole) != _server(base):
            raise Failed(f"{_server(whole)} is not the server of base_url, {_server(base)}", retry=False)
    elif not base:
        raise Failed("the address is not absolute and there is no base_url", retry=False)
    else:
        # Part of it may be a step's output: dots must not climb out of what the site allowed.
        if ".." in urllib.parse.unquote(url.partition("?")[0]).replace("\\", "/").split("/"):
            raise Failed("the address climbs out of base_url with '..'", retry=False)
        whole = f"{base.rstrip('/')}/{url.lstrip('/')}" if url else base
    if not query:
        return whole
    pairs = [(name, _text(each)) for name, value in query.items() for each in _each(value)]
    return f"{whole}{'&' if '?' in whole else '?'}{urllib.parse.urlencode(pairs)}"


def aimed(url: str, host: str) -> str:
    """Return *url* with a fan-out's host where it says ``{target}``; whatever the host is called stays one piece."""
    return url.replace(TARGET_WORD, urllib.parse.quote(host, safe="")) if host else url


def shown(url: str) -> str:
    """Return *url* without its parameters, which may be private."""
    return url.partition("?")[0].partition("#")[0]


def _server(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        port = 0
    return f"{parts.scheme}://{parts.hostname or ''}:{port}"


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

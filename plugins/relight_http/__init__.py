"""Asks and changes things over HTTP, one request at a time, and knows whether a request was heard.

What does not belong here: what an address means; that is the runbook's and the site's business.
"""

from relight.sdk import Plugin
from relight_http.provider import HttpProvider

__all__ = ["plugin"]

plugin = Plugin(name="http", summary="Sends an HTTP request", provider=HttpProvider, needs_config=False)

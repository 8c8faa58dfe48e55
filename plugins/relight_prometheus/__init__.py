"""Asks a Prometheus server, or one that speaks its language, for one number.

What does not belong here: when a number is good or too old; checks decide that.
"""

from relight.sdk import Plugin
from relight_prometheus.provider import PrometheusProvider

__all__ = ["plugin"]

plugin = Plugin(name="prometheus", summary="Reads metrics from Prometheus", provider=PrometheusProvider)

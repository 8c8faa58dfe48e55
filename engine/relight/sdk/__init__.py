"""All that a plugin may import.

A plugin is a module with a ``plugin = Plugin(...)`` named by an entry point in the group ``relight.plugins``.
It brings one :class:`Provider` class whose :class:`Action` and :class:`Probe` classes each fulfil a :class:`Contract`:
the project's own capabilities (``relight.sdk.capabilities``) or contracts of the plugin's own.

What does not belong here: anything that knows runs, journals or people.
"""

from relight.sdk import capabilities
from relight.sdk.http_client import HttpAnswer, NoAnswer, NotSent, http_ask
from relight.sdk.plugin import (
    Action,
    Arguments,
    Call,
    Contract,
    Failed,
    OutcomeUnknown,
    Plugin,
    Probe,
    Provider,
    Result,
    TargetHost,
)
from relight.sdk.process_tree import end_marked, find_marked
from relight.sdk.processes import Finished, child_environment, run_process
from relight.sdk.secrets import Secret, SecretOrText, Secrets
from relight.sdk.simulation import Curve, Setting, Simulation, Toll, Work
from relight.sdk.text import fit, one_line, parse_json
from relight.sdk.values import Duration, Percent, Rate, Share, format_duration, parse_duration

__all__ = [
    "Action",
    "Arguments",
    "Call",
    "Contract",
    "Curve",
    "Duration",
    "Failed",
    "Finished",
    "HttpAnswer",
    "NoAnswer",
    "NotSent",
    "OutcomeUnknown",
    "Percent",
    "Plugin",
    "Probe",
    "Provider",
    "Rate",
    "Result",
    "Secret",
    "SecretOrText",
    "Secrets",
    "Setting",
    "Share",
    "Simulation",
    "TargetHost",
    "Toll",
    "Work",
    "capabilities",
    "child_environment",
    "end_marked",
    "find_marked",
    "fit",
    "format_duration",
    "http_ask",
    "one_line",
    "parse_duration",
    "parse_json",
    "run_process",
]

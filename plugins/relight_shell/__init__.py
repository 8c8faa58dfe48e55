"""Runs commands on the host of the driver: argument lists, never a shell.

A command gets a small environment, ends with its children when it is cancelled, and its output is data.
What does not belong here: other hosts (that is ``ansible``), pipes and redirections (that is a script).
"""

from relight.sdk import Plugin
from relight_shell.commands import ShellProvider

__all__ = ["plugin"]

plugin = Plugin(
    name="shell", summary="Runs a command on this host, without a shell", provider=ShellProvider, needs_config=False
)

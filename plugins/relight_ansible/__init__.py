"""Runs Ansible playbooks and modules over an inventory, through ansible-runner.

Each call runs in a process and a private directory of its own: Ansible keeps settings from one run for the next,
and a dry run has made the real one after it a dry run too.
What does not belong here: believing a play. Whether a release runs is asked of the service, by a probe.
"""

from relight.sdk import Plugin
from relight_ansible.provider import AnsibleProvider

__all__ = ["plugin"]

plugin = Plugin(
    name="ansible",
    summary="Runs Ansible playbooks and modules on hosts",
    provider=AnsibleProvider,
    needs_config=False,
)

"""relight: staged-recovery runbooks, with a person's hand on the switch.

The folders are floors; imports point down only, and the import contracts in ``pyproject.toml`` say so.
"""

"""Everything that a caller can do wrong, in one tree.

What the world does to us (a step fails, a check says no) is an input and becomes a fact, never an exception.

::

    RelightError                    one sentence, what to do next, and the exit code
    ├── UsageError            2     the command line was off
    ├── RunbookError          3     a document is invalid; carries every complaint with file:line:column
    ├── NotPermitted          4     this person may not do this
    ├── NotNow                4     legal, but not in this state; nothing changed
    ├── JournalError          9     the journal is unavailable or does not verify
    │   ├── JournalTooNew     9     a newer relight wrote it
    │   └── StaleDriver       9     another driver has taken the run over
    ├── Locked               75     another run or driver holds it
    │   └── Taken            75     somebody else was quicker at what is done once
    ├── PluginError           1     a plugin broke its contract; names the plugin
    └── SecretError           1     a secret reference cannot be resolved
"""

from collections.abc import Sequence


class RelightError(Exception):
    """A clear sentence for the person at the keyboard, and the exit code that goes with it.

    Args:
        message: What happened and where, in one sentence.
        hint: What to do next, in one sentence.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RelightError):
    """The command line was off."""

    exit_code = 2


class RunbookError(RelightError):
    """A document is invalid; *complaints* holds every problem, each with its place and its mend."""

    exit_code = 3

    def __init__(self, message: str, *, complaints: Sequence[object] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.complaints = tuple(complaints)


class NotPermitted(RelightError):
    """This person may not do this."""

    exit_code = 4


class NotNow(RelightError):
    """Legal in general, but not in this state; nothing was changed."""

    exit_code = 4


class JournalError(RelightError):
    """The journal is unavailable or does not verify."""

    exit_code = 9


class JournalTooNew(JournalError):
    """A newer relight wrote this journal."""


class StaleDriver(JournalError):
    """Another driver has taken this run over; nothing was written."""


class Locked(RelightError):
    """Another run or driver holds it."""

    exit_code = 75


class Taken(Locked):
    """Somebody else was quicker at what is done once; nothing was written, and whoever looks again sees it."""


class PluginError(RelightError):
    """A plugin broke its contract.

    Args:
        plugin: Its name, so that the right people are asked.
        message: What it did.
    """

    def __init__(self, plugin: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"plugin {plugin}: {message}", hint=hint)
        self.plugin = plugin


class SecretError(RelightError):
    """A secret reference cannot be resolved; the message never holds the secret."""

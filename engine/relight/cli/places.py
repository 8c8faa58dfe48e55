"""Where the user's configuration is on this machine.

Nothing is ever looked for in the current directory.
"""

import os
from pathlib import Path

from relight.errors import UsageError


def config_dir() -> Path:
    """Return the folder of the user's configuration: ``RELIGHT_CONFIG``, or the platform's.

    Raises:
        UsageError: this user has no home and none was named.
    """
    if named := os.environ.get("RELIGHT_CONFIG"):
        return Path(named).expanduser().absolute()
    import platformdirs

    found: Path = platformdirs.user_config_path("relight", appauthor=False)
    # Without HOME and without an entry in the user database "~" stays as it is, and would mean the current directory.
    if not found.is_absolute():
        raise UsageError("this user has no home directory", hint="set RELIGHT_CONFIG to a folder that relight may read")
    return found

"""What looks like a secret that is written out instead of referred to."""

import re
from typing import Any

from relight.runbook.template import is_template

_KEY = re.compile(r"(^|_)(password|passwd|passphrase|secret|token|api_?key|private_key|authorization)$", re.IGNORECASE)
_VALUE = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|xox[abposr]-[A-Za-z0-9-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}|://[^/\s:@]+:[^/\s@]+@|(?i:^bearer\s+[A-Za-z0-9._-]{16,})"
)
_REFERENCE = re.compile(r"^(env|file|keyring|vault):\S+$")
MEND = "write a reference: env:NAME, file:PATH, keyring:SERVICE/NAME or vault:PATH#FIELD"


def looks_secret(text: Any, *, named: bool) -> bool:
    """Return whether *text* looks like a secret that is written out; *named* if its key says that it is one."""
    if not isinstance(text, str) or _REFERENCE.match(text) or is_template(text):
        return False
    return bool(_VALUE.search(text)) or (named and len(text) >= 4)


def is_secret_name(name: str) -> bool:
    """Return whether a key's name says that its value is a secret."""
    return bool(_KEY.search(name.replace("-", "_")))

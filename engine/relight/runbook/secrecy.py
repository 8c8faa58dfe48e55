"""What looks like a secret that is written out instead of referred to."""

import re
from typing import Any

from relight.runbook.template import is_template

_KEY = re.compile(r"(^|_)(password|passwd|passphrase|secret|token|api_?key|private_key|authorization)$", re.IGNORECASE)
_SURE = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{20,}|xox[abposr]-[A-Za-z0-9-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}|(?i:^bearer\s+[A-Za-z0-9._-]{16,})"
)
"""Tokens of well-known forms, and private keys."""
_IN_ADDRESS = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_LIKELY = re.compile(r"AKIA[0-9A-Z]{16}")
_REFERENCE = re.compile(r"^(env|file|keyring|vault):\S+$")
MEND = "write a reference: env:NAME, file:PATH, keyring:SERVICE/NAME or vault:PATH#FIELD"


def secret_code(text: Any, *, named: bool) -> str:
    """Return what to say of *text* if it is, or looks like, a secret that is written out; *named* if its key says so.

    What is one beyond doubt is refused: a plan is kept in a journal, and that cannot be scrubbed.
    """
    if not isinstance(text, str) or _REFERENCE.match(text) or is_template(text):
        return ""
    if _SURE.search(text) or _IN_ADDRESS.search(text):
        return "RL518"
    return "RL510" if _LIKELY.search(text) or (named and len(text) >= 4) else ""


SAID = {
    "RL510": "this looks like a secret, and plans are kept",
    "RL518": "this is a password or a token, and plans are kept where nothing can be removed",
}


def mend_for(text: str) -> str:
    """Return how a secret is kept out of the document; an address cannot hold a reference."""
    if _IN_ADDRESS.search(text):
        return "take it out of the address; send it in a header, as a reference such as env:NAME or file:PATH"
    return MEND


def is_secret_name(name: str) -> bool:
    """Return whether a key's name says that its value is a secret."""
    return bool(_KEY.search(name.replace("-", "_")))

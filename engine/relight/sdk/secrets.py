"""Secrets are references until the moment of use, and never printable afterwards.

A reference is ``env:NAME``, ``file:PATH``, ``keyring:SERVICE/NAME`` or ``vault:PATH#FIELD``.
:class:`Secrets` resolves them and remembers what it gave out, so that :meth:`Secrets.redact` can take it out again
of whatever a plugin prints, in the usual encodings.
"""

import base64
import json
import os
import re
import shlex
import urllib.parse
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from relight.errors import SecretError

REFERENCE = re.compile(r"^(env|file|keyring|vault):\S+$")
REDACTED = "[secret]"
SHORTEST_REDACTED = 4
"""Shorter values would blot out ordinary words; a secret of three characters is none."""
SECRET_BYTES_MAX = 64 * 1024


class Secret:
    """A reference to a secret; holding one reveals nothing."""

    __slots__ = ("reference",)

    def __init__(self, reference: str) -> None:
        if not REFERENCE.match(reference):
            raise ValueError("a secret is a reference: env:NAME, file:PATH, keyring:SERVICE/NAME or vault:PATH#FIELD")
        self.reference = reference

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reference == self.reference

    def __hash__(self) -> int:
        return hash(self.reference)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from_text = core_schema.no_info_after_validator_function(cls, core_schema.str_schema(pattern=REFERENCE.pattern))
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), from_text]),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda secret: secret.reference),
        )


class Secrets:
    """Resolves references and redacts what they gave."""

    def __init__(self) -> None:
        self._forms: set[str] = set()

    def reveal(self, secret: Secret) -> str:
        """Return the value behind *secret*; every form of it is redacted from now on.

        Raises:
            SecretError: it cannot be resolved; the message names the reference only.
        """
        value = _resolve(secret.reference)
        if len(value) >= SHORTEST_REDACTED:
            self._forms.update(_forms(value))
        return value

    def redact(self, text: str) -> str:
        """Return *text* without any revealed value, in plain, JSON, base64, hex, percent or shell-quoted form."""
        for form in sorted(self._forms, key=len, reverse=True):
            if form in text:
                text = text.replace(form, REDACTED)
        return text

    def redact_json(self, value: Any) -> Any:
        """Return *value* with every string in it (keys too) redacted."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {self.redact(str(key)): self.redact_json(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact_json(item) for item in value]
        return value


def _resolve(reference: str) -> str:
    scheme, _, name = reference.partition(":")
    if scheme == "env":
        if name not in os.environ:
            raise SecretError(f"secret {reference}: the environment has no {name}", hint=f"export {name} and try again")
        return os.environ[name]
    if scheme == "file":
        try:
            return Path(name).read_bytes()[:SECRET_BYTES_MAX].decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SecretError(f"secret {reference}: cannot be read ({error.__class__.__name__})") from None
    if scheme == "keyring":
        return _from_keyring(reference, name)
    raise SecretError(
        f"secret {reference}: no vault client is built in", hint="use env:, file: or keyring:, or let an agent write a file"
    )


def _from_keyring(reference: str, name: str) -> str:
    try:
        import keyring
    except ImportError:
        raise SecretError(f"secret {reference}: the keyring package is not installed", hint="pip install keyring") from None
    service, _, user = name.partition("/")
    value = keyring.get_password(service, user)
    if value is None:
        raise SecretError(f"secret {reference}: the keyring has no such entry")
    return str(value)


def _forms(value: str) -> set[str]:
    raw = value.encode()
    forms = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        urllib.parse.quote(value, safe=""),
        urllib.parse.quote(value),
        urllib.parse.quote_plus(value),
        shlex.quote(value),
        raw.hex(),
        raw.hex().upper(),
    }
    for offset in range(3):
        # The characters that do not depend on what stands before or after the secret in the encoded stream.
        padded = base64.b64encode(b"\0" * offset + raw).decode()
        start = (0, 2, 3)[offset]
        stable = padded[start : len(padded) - (4 if (offset + len(raw)) % 3 else 0)]
        if len(stable) >= SHORTEST_REDACTED:
            forms |= {stable, stable.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= SHORTEST_REDACTED}

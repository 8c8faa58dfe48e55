"""Secrets are references until the moment of use, and never printable afterwards.

A reference is ``env:NAME``, ``file:PATH``, ``keyring:SERVICE/NAME`` or ``vault:PATH#FIELD``.
:class:`Secrets` resolves them and remembers what it gave out, so that :meth:`Secrets.redact` can take it out again
of whatever a plugin prints, in the usual encodings.
"""

import importlib
import os
import re
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from relight.errors import SecretError
from relight.sdk.redaction import REDACTED, SHORTEST, Redactor

REFERENCE = re.compile(r"^(env|file|keyring|vault):\S[^\r\n]*$")
SECRET_BYTES_MAX = 64 * 1024
"""A key ring of certificates fits; a file that was named by mistake does not fill the memory."""


class Secret:
    """A reference to a secret; holding one reveals nothing."""

    __slots__ = ("reference",)

    def __init__(self, reference: str) -> None:
        if not REFERENCE.fullmatch(reference):
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
        from_text = core_schema.no_info_after_validator_function(cls, core_schema.str_schema())
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), from_text]),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda secret: secret.reference),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": REFERENCE.pattern}


SecretOrText: TypeAlias = Annotated[Secret | str, Field(union_mode="left_to_right")]
"""What looks like a reference is one; only for what a site's author writes, never for a step's arguments."""


class Secrets:
    """Resolves references and redacts what they gave."""

    def __init__(self) -> None:
        self.redactor = Redactor()
        self._any = False

    def reveal(self, secret: Secret) -> str:
        """Return the value behind *secret*; every form of it is redacted from now on.

        Raises:
            SecretError: it cannot be resolved, or is too short to be redacted; the message names the reference only.
        """
        value = _resolve(secret.reference)
        if len(value) < SHORTEST:
            said = "is empty" if not value else f"is shorter than {SHORTEST} characters"
            raise SecretError(
                f"secret {secret.reference}: it {said}, so it could not be kept out of what is printed",
                hint="set it to its real value",
            )
        self.redactor.add(value)
        self._any = True
        return value

    def redact(self, text: str) -> str:
        """Return *text* without any revealed value, however it is encoded."""
        return self.redactor.text(text)

    def redact_bytes(self, data: bytes) -> bytes:
        """Return *data* without any revealed value, however it is encoded."""
        return self.redactor.data(data)

    def redact_json(self, value: Any) -> Any:
        """Return *value* with every string and number in it (keys too) redacted."""
        if not self._any:
            return value
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {self.redact(str(key)): self.redact_json(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact_json(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            # A number in JSON may be the secret as well: a PIN that a program printed.
            return value if self.redact(str(value)) == str(value) else REDACTED
        return value


def _resolve(reference: str) -> str:
    scheme, _, name = reference.partition(":")
    if scheme == "env":
        if name not in os.environ:
            raise SecretError(f"secret {reference}: the environment has no {name}", hint=f"export {name} and try again")
        return os.environ[name]
    if scheme == "file":
        return _from_file(reference, Path(os.path.expanduser(name)))  # noqa: PTH111  Path's raises where no home is known
    if scheme == "keyring":
        return _from_keyring(reference, name)
    raise SecretError(
        f"secret {reference}: no vault client is built in",
        hint="use env:, file: or keyring:, or let an agent write a file",
    )


def _from_file(reference: str, path: Path) -> str:
    if not path.is_absolute():
        # A driver runs in another directory than the shell that started it, and nothing is read from there by chance.
        raise SecretError(f"secret {reference}: the path is not absolute", hint="write the whole path, or ~/...")
    try:
        if not path.is_file():
            raise SecretError(f"secret {reference}: there is no such file")
        with path.open("rb") as file:
            data = file.read(SECRET_BYTES_MAX + 1)
        value = data.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"secret {reference}: cannot be read ({error.__class__.__name__})") from None
    if len(data) > SECRET_BYTES_MAX:
        raise SecretError(f"secret {reference}: the file is larger than {SECRET_BYTES_MAX // 1024} KiB")
    return value


def _from_keyring(reference: str, name: str) -> str:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise SecretError(
            f"secret {reference}: the keyring package is not installed", hint="pip install keyring"
        ) from None
    service, _, user = name.partition("/")
    try:
        value = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001  every back-end raises its own, and none of them may end a run
        raise SecretError(f"secret {reference}: the keyring does not answer ({error.__class__.__name__})") from None
    if value is None:
        raise SecretError(f"secret {reference}: the keyring has no such entry")
    return str(value)

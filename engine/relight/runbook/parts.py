"""The parts that documents are made of: strict models that remember where they stood, and the types of their keys."""

import re
from typing import Annotated, Any, ClassVar, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from relight.runbook.cel_text import LENGTH_MAX
from relight.runbook.source import Mark
from relight.runbook.template import OPEN
from relight.runbook.yaml12 import Map, kind_of, mark_at
from relight.sdk.values import parse_duration

ID = re.compile(r"[a-z][a-z0-9_]{0,62}")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
PERSON = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,62}")
ACTION = re.compile(r"[a-z][a-z0-9_-]{0,62}(\.[a-z][a-z0-9_-]{0,62})?")
PUBLIC_KEY = re.compile(r"ed25519:[A-Za-z0-9+/]{43}=?")
"""The 32 bytes of a key as base64."""
JOURNAL = re.compile(r"(sqlite:///|postgres(ql)?://).{1,1000}")
SLUG = re.compile(r"[a-z][a-z0-9-]{0,62}")
TEXT_CHARS_MAX = 4_000
"""Long enough for an instruction, short enough to be read in an incident."""
DURATION_PATTERN = r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+(\.[0-9]+)?s)?([0-9]+ms)?$"
_SHARE_PATTERN = r"^(?!0+(\.0+)?%)(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$"
EMBEDDING_PATTERN = r"\$\{\{.*\}\}"


class Empty:
    """Stands for a key without a value, which is never what was meant."""


EMPTY = Empty()


class Part(BaseModel):
    """A part of a document; unknown keys are errors, and every key knows its place."""

    # A document's model is built whole, when the first such document is read, and not once more for each of its parts.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    thing: ClassVar[str] = "a mapping"
    example: ClassVar[str] = ""
    _raw: Map = PrivateAttr(default_factory=Map)

    @model_validator(mode="wrap")
    @classmethod
    def _remember(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, dict):
            return handler(data)
        known = {field.alias or name for name, field in cls.model_fields.items()}
        part = handler({key: EMPTY if value is None and key in known else value for key, value in data.items()})
        if isinstance(data, Map):
            part._raw = data  # noqa: SLF001 - it is of this class
        return part

    def place(self, *path: str | int) -> Mark:
        """Return where the value at *path* below this part stood, or the nearest part that is written."""
        return mark_at(self._raw, path)

    def key_place(self, key: str) -> Mark:
        """Return where *key* itself stood."""
        return self._raw.keys_at.get(key, self._raw.mark)

    def written(self, key: str) -> bool:
        """Return whether the document gives *key*, even if wrongly."""
        return key in self._raw.keys_at

    def raw(self, key: str) -> Any:
        """Return what the document says at *key*, with its places."""
        return self._raw.get(key)


def wrong(code: str, message: str, hint: str = "") -> PydanticCustomError:
    """Return the error that becomes a complaint with *code*."""
    # The library would read braces in the text as places to fill.
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


def _formed(pattern: re.Pattern[str], what: str) -> Any:
    def check(value: str) -> str:
        if pattern.fullmatch(value):
            return value
        shown = value if len(value) <= 60 else f"{value[:59]}…"
        raise wrong("RL205", f"{shown!r} cannot be {what}", _respelled(value, pattern))

    return AfterValidator(check)


def _respelled(value: str, pattern: re.Pattern[str]) -> str:
    joint = "_" if pattern is ID else "-"
    letters = re.sub(r"[^a-z0-9]+", joint, value.strip().lower()).strip(joint)[:63]
    if pattern.fullmatch(letters):
        return f"write {letters!r}"
    return f"begin with a letter; use a to z, 0 to 9 and {joint}; at most 63 characters"


def _duration(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    if not isinstance(value, str):
        raise wrong("RL206", f"{value} has no unit", f"write {value}s for seconds, {value}m for minutes")
    try:
        return parse_duration(value)
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        raise wrong("RL206", message[:200], hint) from None


def _present(value: Any) -> Any:
    if isinstance(value, Empty):
        raise wrong("RL203", "there is no value here", "give one, or leave the key out")
    return value


def _number_or_embedding(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong("RL203", f"this is {kind_of(value)}, not a number", "write a number, or ${{ … }} for one")
    if isinstance(value, str) and OPEN not in value:
        hint = f"write {value.rstrip(' %')}" if re.fullmatch(r"[0-9]+(\.[0-9]+)?\s*%?", value) else "write a number"
        raise wrong("RL203", "this is text, not a number", f"{hint}, or ${{{{ … }}}} for one")
    return value


def _scalar(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong("RL203", f"this is {kind_of(value)}, not text or a number", "put true and false in quotes")
    return value


def _count_or_share(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if isinstance(value, str) and re.fullmatch(_SHARE_PATTERN, value):
        return value
    raise wrong("RL207", "this is neither a count nor a share", "write a count from 1, or a share such as 10%")


def _public_key(value: str) -> str:
    if PUBLIC_KEY.fullmatch(value):
        return value
    raise wrong("RL205", "this is no public key", "write ed25519: and the key's 32 bytes as base64")


def _journal_url(value: str) -> str:
    if JOURNAL.fullmatch(value):
        return value
    raise wrong("RL205", f"{value[:60]!r} cannot be a journal", "write sqlite:///PATH, with the whole path from /")


def _action(value: str) -> str:
    if ACTION.fullmatch(value):
        return value
    raise wrong("RL205", f"{value[:60]!r} cannot be an action", "write FAMILY.VERB, such as admission.throttle")


Id: TypeAlias = Annotated[
    str, _formed(ID, "an id that expressions name"), WithJsonSchema({"type": "string", "pattern": f"^{ID.pattern}$"})
]
Slug: TypeAlias = Annotated[
    str, _formed(SLUG, "a name"), WithJsonSchema({"type": "string", "pattern": f"^{SLUG.pattern}$"})
]
ProviderName: TypeAlias = Annotated[
    str, _formed(NAME, "a provider's name"), WithJsonSchema({"type": "string", "pattern": f"^{NAME.pattern}$"})
]
PublicKey: TypeAlias = Annotated[
    str, AfterValidator(_public_key), WithJsonSchema({"type": "string", "pattern": f"^{PUBLIC_KEY.pattern}$"})
]
JournalUrl: TypeAlias = Annotated[
    str, AfterValidator(_journal_url), WithJsonSchema({"type": "string", "pattern": f"^{JOURNAL.pattern}$"})
]
PersonId: TypeAlias = Annotated[
    str, _formed(PERSON, "a person's id"), WithJsonSchema({"type": "string", "pattern": f"^{PERSON.pattern}$"})
]
Capability: TypeAlias = Annotated[
    str,
    AfterValidator(_action),
    WithJsonSchema({"type": "string", "pattern": f"^{ACTION.pattern}$"}),
]
Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=TEXT_CHARS_MAX)]
Template: TypeAlias = Annotated[str, Field(min_length=1, max_length=TEXT_CHARS_MAX)]
Cel: TypeAlias = Annotated[str, Field(min_length=1, max_length=4 * LENGTH_MAX)]
Duration: TypeAlias = Annotated[
    int, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "minLength": 2})
]
Number: TypeAlias = Annotated[
    Any,
    BeforeValidator(_number_or_embedding),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": EMBEDDING_PATTERN}]}),
]
Scalar: TypeAlias = Annotated[Any, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "number"]})]
CountOrShare: TypeAlias = Annotated[
    Any,
    BeforeValidator(_count_or_share),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": _SHARE_PATTERN}]}),
]
Value: TypeAlias = Annotated[Any, BeforeValidator(_present), WithJsonSchema({})]
Arguments: TypeAlias = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]

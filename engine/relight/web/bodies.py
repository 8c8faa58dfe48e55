"""What the API is sent, and nothing beside it: strict models whose text is text."""

from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

WORD_MAX, TEXT_MAX = 200, 4_000
"""As much of a word and of a reason as a request keeps."""
PLAIN_MAX = 1_000
NUMBER_MAX = 2**53
"""Beyond it a number is not the same on every machine."""


def _text(value: str) -> str:
    # A lone surrogate has no bytes, and a control character does something to somebody's terminal.
    if any(0xD800 <= ord(sign) <= 0xDFFF or (ord(sign) < 0x20 and sign not in "\n\t") for sign in value):
        raise ValueError("must be text without control characters")
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, str) and len(value) <= PLAIN_MAX:
        return _text(value)
    if isinstance(value, bool | int | float) and abs(value) < NUMBER_MAX:
        return value
    raise ValueError(f"must be one number, true, false, or text of at most {PLAIN_MAX} characters")


Word: TypeAlias = Annotated[str, Field(max_length=WORD_MAX), AfterValidator(_text)]
Text: TypeAlias = Annotated[str, Field(max_length=TEXT_MAX), AfterValidator(_text)]
Plain: TypeAlias = Annotated[
    Any, AfterValidator(_plain), WithJsonSchema({"type": ["string", "number", "boolean"], "maxLength": PLAIN_MAX})
]


class Body(BaseModel):
    """What a route takes; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Asked(Body):
    """What somebody asks of a run; which of it is needed depends on what is asked."""

    ticket: Word = ""
    """The gate's ticket, as the run's document shows it."""
    scope_digest: Word = ""
    """The beginning of the scope's digest that was looked at; a gate that would do something else refuses."""
    subject: Word = ""
    """The step, stage or check that is meant."""
    value: Text = ""
    """``done`` or ``not-done``; ``floor``, ``down``, ``stay`` or ``up``; or the text of a note."""
    reason: Text = ""
    """Why; kept in the journal."""
    confirmed: Word = ""
    """The site's name, typed, where that is asked for."""


class Approved(Asked):
    """An approval binds what was looked at."""

    ticket: Annotated[str, Field(min_length=1, max_length=WORD_MAX), AfterValidator(_text)]
    scope_digest: Annotated[str, Field(min_length=8, max_length=WORD_MAX), AfterValidator(_text)]


class Denied(Asked):
    """A denial names its ticket."""

    ticket: Annotated[str, Field(min_length=1, max_length=WORD_MAX), AfterValidator(_text)]


class ToPlan(Body):
    """What would be started."""

    site: Word
    """The site."""
    published: Word
    """The name under which the site publishes the runbook."""
    inputs: dict[Word, Plain] = Field(default_factory=dict, max_length=100)
    """Values for its inputs."""


class ToStart(ToPlan):
    """What is to be started."""

    confirm: Word = ""
    """The site's name, where its environment is production."""
    plan_digest: Word = ""
    """The digest of the plan that was looked at; another one is not started."""


class ToBegin(Body):
    """A proposal is begun."""

    confirm: Word = ""
    """The site's name, where its environment is production."""
    plan_digest: Word = ""
    """The digest of the plan that was looked at; another one is not begun."""


class ToDismiss(Body):
    """A proposal is dismissed."""

    reason: Text = ""
    """Why."""


class Alerts(BaseModel):
    """Alertmanager's webhook, version 4; what is not named here is not looked at."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, defer_build=True)
    alerts: list[dict[str, Any]] = Field(max_length=200)
    """The alerts, each with ``labels``, ``status``, ``startsAt`` and ``fingerprint``."""

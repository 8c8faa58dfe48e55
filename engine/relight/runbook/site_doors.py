"""What a site says about its doors: who somebody is there, what can be started from there, and by which alert."""

import datetime as dt
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from relight.runbook.parts import Arguments, Id, Part, Slug, Text, wrong
from relight.sdk.secrets import Secret

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SECRETS_MAX = 20
"""Of one person: a laptop, a phone, and the next one of each while the last is given up."""
ALERTS_MAX = 500
LABELS_MAX = 20
REFERENCE = re.compile(r"^(env|file|keyring|vault):\S[^\r\n]*$")
SIGNING_MAX = 3
"""The secret that signs, the one before it and the next: more are never in use at once."""


def _digest(value: str) -> str:
    if DIGEST.fullmatch(value):
        return value
    hint = "`relight token PERSON` makes one and prints what belongs here; never write the token itself"
    raise wrong("RL205", "this is no digest: sha256: and 64 hexadecimal digits", hint)


def _day(value: str) -> str:
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        raise wrong("RL205", f"{value[:40]!r} is no day", "write YEAR-MONTH-DAY in quotes") from None
    return value


def _reference(value: str) -> str:
    if REFERENCE.fullmatch(value):
        return value
    hint = "write env:NAME or file:PATH; the secret itself is never written here"
    raise wrong("RL205", "this is no reference to a secret", hint)


Reference = Annotated[str, AfterValidator(_reference), WithJsonSchema({"type": "string", "pattern": REFERENCE.pattern})]
Digest = Annotated[str, AfterValidator(_digest), WithJsonSchema({"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"})]
Day = Annotated[str, AfterValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
May = Literal["read", "propose", "start", "stop"]


class Oidc(Part):
    """Who somebody is for an OpenID provider; neither name nor address, for both can change hands."""

    thing: ClassVar[str] = "an OpenID identity"
    example: ClassVar[str] = "{issuer: https://…, subject: …}"
    issuer: Text
    """The provider's address, exactly as its tokens say it."""
    subject: Text
    """The provider's own word for the person (``sub``)."""

    def __str__(self) -> str:
        return f"{self.issuer}|{self.subject}"


class SignIn(Part):
    """The OpenID provider by which people sign in to the page."""

    thing: ClassVar[str] = "a way to sign in"
    example: ClassVar[str] = "{issuer: https://…, client: …, secret: env:…}"
    issuer: Text
    """The provider's address, exactly as its tokens say it; ``https``, or ``http`` on this machine."""
    client: Text
    """What the provider calls this relight (``client_id``); it may send people back to ``/sign-in/back``."""
    secret: Secret | None = None
    """The client's secret, as a reference; left out for a public client."""
    title: Text | None = None
    """What the button says; the provider's host where it is left out."""


class Token(Part):
    """What a program shows at the API; it stands for nobody's decision, whoever it belongs to."""

    thing: ClassVar[str] = "a token"
    example: ClassVar[str] = "{digest: sha256:…, may: [read]}"
    digest: Digest
    """SHA-256 of the token; the token itself is written nowhere."""
    may: list[May] = Field(default=["read"], min_length=1, max_length=4)
    """What it may do: ``read``, ``propose`` a run, ``start`` a published runbook, ``stop`` (pause, abort, note)."""
    until: Day | None = None
    """The last day on which it is good."""
    title: Text | None = None
    """What it is for."""


class Published(Part):
    """A runbook that can be started from chat, the page and the API, by this name and with these inputs."""

    thing: ClassVar[str] = "a published runbook"
    example: ClassVar[str] = "{runbook: brownout-recovery}"
    runbook: Text
    """A path relative to the site's document, or the name of a runbook that comes with relight."""
    title: Text | None = None
    """What people read before they start it; the runbook's own title where it is left out."""
    roles: list[Slug] = Field(default_factory=list)
    """Who may start it; everybody whom the site knows where it is left out."""
    inputs: Arguments = Field(default_factory=dict)
    """Values of inputs that nobody changes from outside."""


class Alert(Part):
    """An alert that proposes a run; a person starts it, or does not."""

    thing: ClassVar[str] = "an alert"
    example: ClassVar[str] = "{match: {alertname: …}, propose: NAME}"
    match: dict[Text, Text] = Field(min_length=1, max_length=LABELS_MAX)
    """Labels that the alert must have, each with this very value."""
    propose: Slug
    """The published runbook."""
    inputs: Arguments = Field(default_factory=dict)
    """Values for its inputs."""
    labels: dict[Id, Text] = Field(default_factory=dict, max_length=LABELS_MAX)
    """Inputs that take the value of a label, by the label's name; its type is checked, and it is never evaluated."""


class SlackRoom(Part):
    """A channel in Slack where the site's runs are shown, and where they are started and decided."""

    thing: ClassVar[str] = "a channel in Slack"
    example: ClassVar[str] = "{channel: C012ABCDE, bot_token: env:SLACK_BOT_TOKEN, app_token: env:SLACK_APP_TOKEN}"
    channel: Text
    """The channel's id, not its name: names change."""
    bot_token: Reference
    """Where the bot's token is (``xoxb-…``)."""
    app_token: Reference | None = None
    """Where the app's token is (``xapp-…``), for Socket Mode, which needs no port that is open to the world."""
    signing: list[Reference] = Field(default_factory=list, max_length=SIGNING_MAX)
    """Where the signing secret is, for Slack's requests over HTTP; a second one while the first is given up."""


class Chat(Part):
    """Where people talk about the site's runs."""

    thing: ClassVar[str] = "a chat"
    example: ClassVar[str] = "{slack: {channel: …}}"
    slack: SlackRoom | None = None
    """In Slack."""


def raw_inputs(part: Published | Alert) -> dict[str, Any]:
    """Return the inputs that a part gives, as plain data."""
    from relight.runbook.yaml12 import plain

    return dict(plain(part.inputs))

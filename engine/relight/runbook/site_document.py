"""The site, key by key: where and how."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from relight.runbook.parts import (
    Arguments,
    Duration,
    Id,
    JournalUrl,
    Part,
    PersonId,
    ProviderName,
    PublicKey,
    Slug,
    Text,
    Value,
)
from relight.runbook.site_doors import ALERTS_MAX, SECRETS_MAX, Alert, Chat, Digest, Oidc, Published, SignIn, Token

PEOPLE_MAX = 1_000


class Provider(Part):
    """A named, configured instance of a plugin; every other key is the plugin's own."""

    model_config = {"extra": "allow"}
    thing: ClassVar[str] = "a provider"
    example: ClassVar[str] = "{use: PLUGIN}"
    use: Slug
    """The plugin."""


class Binding(Part):
    """Which provider fulfils a capability, or every capability of a family (``deploy.*``)."""

    thing: ClassVar[str] = "a binding"
    example: ClassVar[str] = "{provider: NAME}"
    provider: ProviderName
    """The provider's name."""
    with_: Arguments = Field(default_factory=dict, alias="with")
    """Arguments added under the step's own; ``${{ args.NAME }}`` reads the step's."""


class MinVolume(Part):
    """How much must be measured before a query's value means anything."""

    thing: ClassVar[str] = "a minimum volume"
    example: ClassVar[str] = "{promql: …, at_least: 1}"
    promql: Text
    """A query for the volume."""
    at_least: float = Field(ge=0)
    """Below it the sample has no data."""


class Query(Part):
    """A name that runbooks use, and how this site asks for it."""

    thing: ClassVar[str] = "a query"
    example: ClassVar[str] = "{promql: …, sources: [PROVIDER]}"
    promql: Text
    """What is asked."""
    sources: list[ProviderName] = Field(min_length=1, max_length=20)
    """Providers that are asked in this order; the first fresh answer wins."""
    window: Duration = 0
    """How far back the query looks; verify waits that long after a stage's last step."""
    max_age: Duration = 20_000
    """An older data point is stale."""
    min_volume: MinVolume | None = None
    """Below it a sample has no data."""


class Person(Part):
    """Somebody who may decide."""

    thing: ClassVar[str] = "a person"
    example: ClassVar[str] = "{id: ana, roles: [incident-commander], os: ana}"
    id: PersonId
    """The name that journals keep."""
    roles: list[Slug] = Field(default_factory=list)
    """What they may decide."""
    kind: Literal["person", "bot", "agent"] = "person"
    """Whatever is no person may read, start and stop, and never decides."""
    os: Text | None = None
    """Their user name on the hosts where the CLI is used."""
    slack: Text | None = None
    """Their member id in Slack: ``TEAM/MEMBER``, or the member alone where it is the site's own workspace."""
    oidc: Oidc | None = None
    """Who they are for an OpenID provider."""
    sign_in: list[Digest] = Field(default_factory=list, max_length=SECRETS_MAX)
    """Digests of secrets with which they sign in, in person, where no OpenID provider can be asked."""
    tokens: list[Token] = Field(default_factory=list, max_length=SECRETS_MAX)
    """Tokens of their programs, which decide nothing."""
    matrix: Text | None = None
    """Their id in Matrix."""
    key: PublicKey | None = None
    """Their public key, ``ed25519:…``."""


class Solo(Part):
    """The rule for a starter who is alone."""

    thing: ClassVar[str] = "a solo rule"
    example: ClassVar[str] = "{after: 5m, roles: [incident-commander]}"
    after: Duration
    """How long a gate must have waited."""
    roles: list[Slug] = Field(min_length=1)
    """The starter must hold one of these."""


class Targets(Part):
    """The hosts that this site has."""

    thing: ClassVar[str] = "targets"
    example: ClassVar[str] = "{inventory: hosts.yaml}"
    inventory: Text
    """An Ansible inventory; its path is relative to the site's document."""


class Surface(Part):
    """A face of the service that users see."""

    thing: ClassVar[str] = "a surface"
    example: ClassVar[str] = "{objective: 99.9, error_ratio: QUERY}"
    objective: float = Field(gt=0, lt=100)
    """The share of good requests that was promised, in percent."""
    window: Duration = 30 * 86_400_000
    """Over which time."""
    error_ratio: Id
    """The query that tells the share of bad ones, 0 to 1."""


class Simulation(Part):
    """A site that exists only as numbers, for rehearsals."""

    thing: ClassVar[str] = "a simulation"
    use: Slug
    """Which one; ``relight plugins`` lists them."""
    with_: Arguments = Field(default_factory=dict, alias="with")
    """Its parameters: how much is asked, how much can be carried, what is broken."""


class Site(Part):
    """Where a runbook is carried out, and how."""

    thing: ClassVar[str] = "a site"
    site: Slug
    """Its name."""
    schema_: Literal["relight/v1"] = Field(alias="schema")
    """The version of this format."""
    environment: Slug
    """``production`` makes the CLI ask for the site's name; ``practice`` allows a pace."""
    pace: float = Field(default=1.0, ge=1, le=1_000)
    """How many times faster waiting goes at a practice site; limits stay as they are."""
    values: dict[Id, Value] = Field(default_factory=dict)
    """What runbooks read as ``site.values.<name>``."""
    providers: dict[ProviderName, Provider] = Field(default_factory=dict)
    """The outside systems."""
    bind: dict[str, Binding] = Field(default_factory=dict)
    """Capability to provider; ``deploy.*`` binds a family."""
    queries: dict[Id, Query] = Field(default_factory=dict)
    """What checks ask for."""
    people: list[Person] = Field(default_factory=list, max_length=PEOPLE_MAX)
    """Who may decide."""
    solo: Solo | None = None
    """Whether a starter who is alone may open gates."""
    targets: Targets | None = None
    """What steps can fan out over."""
    surfaces: dict[Id, Surface] = Field(default_factory=dict)
    """What users see."""
    published: dict[Slug, Published] = Field(default_factory=dict)
    """Runbooks that can be started from chat, the page and the API."""
    sign_in: SignIn | None = None
    """An OpenID provider that is asked who somebody is, before they see the page."""
    alerts: list[Alert] = Field(default_factory=list, max_length=ALERTS_MAX)
    """Alerts that propose a run; the first that matches counts."""
    chat: Chat | None = None
    """Where its runs are shown, started and decided in a chat."""
    simulation: Simulation | None = None
    """What ``relight rehearse`` plays instead of this site; runs never look at it."""
    journal: JournalUrl | None = None
    """A shared journal: ``sqlite:///PATH`` or ``postgresql://…``."""

    def scope(self) -> dict[str, Any]:
        """Return what expressions read as ``site``."""
        return {"id": self.site, "environment": self.environment, "values": dict(self.values)}

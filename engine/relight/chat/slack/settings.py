"""What a line to Slack is opened with: secrets, out of where the site's document says they are, and an address."""

import os
from dataclasses import dataclass, field

from relight.errors import UsageError
from relight.sdk.secrets import Secret, Secrets

SLACK = "https://slack.com/api/"
HOOKS = "https://hooks.slack.com/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Tokens and address; its words show no secret."""

    bot_token: str = field(repr=False)
    app_token: str = field(default="", repr=False)
    signing: tuple[str, ...] = field(default=(), repr=False)
    url: str = SLACK
    secrets: Secrets = field(default_factory=Secrets, repr=False)

    @property
    def answers_at(self) -> str:
        """What the address of an answer has to begin with: nobody has us send anything elsewhere."""
        return HOOKS if self.url == SLACK else self.url.removesuffix("api/")


def settings_of(bot_token: str, app_token: str, signing: tuple[str, ...]) -> Settings:
    """Return what these references stand for; ``SLACK_API_URL`` names another Slack, for tests.

    Raises:
        SecretError: one cannot be resolved.
        UsageError: one is no such token.
    """
    secrets = Secrets()
    url = os.environ.get("SLACK_API_URL", SLACK)
    return Settings(
        bot_token=_token(secrets, bot_token, "xoxb-"),
        app_token=_token(secrets, app_token, "xapp-") if app_token else "",
        signing=tuple(secrets.reveal(Secret(each)) for each in signing),
        url=url if url.endswith("/") else f"{url}/",
        secrets=secrets,
    )


def _token(secrets: Secrets, reference: str, begins: str) -> str:
    value = secrets.reveal(Secret(reference))
    if not value.startswith(begins):
        raise UsageError(
            f"{reference} is no token that begins with {begins}", hint="Slack's page of the app shows both"
        )
    return value

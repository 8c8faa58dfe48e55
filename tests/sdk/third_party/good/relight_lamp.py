"""A lamp: the smallest plugin that does something, as somebody outside the project would write it."""

from typing import Annotated, Any

from pydantic import Field

from relight.sdk import Action, Arguments, Call, Contract, Failed, Plugin, Probe, Provider, Result


class LampConfig(Arguments):
    """Where the lamp hangs."""

    room: Annotated[str, Field(description="The room that it hangs in")]


class SwitchArgs(Arguments):
    """What the switch takes."""

    on: Annotated[bool, Field(description="Whether it burns")] = True


class LampResult(Result):
    """How the lamp is."""

    burns: Annotated[bool, Field(description="Whether it burns")]


class Switch(Action):
    """Switches it."""

    contract = Contract(
        name="switch",
        title="Switch the lamp",
        args=SwitchArgs,
        result=LampResult,
        idempotent=True,
        neutral={"on": False},
        lasting=True,
        reads_value=True,
    )

    async def perform(self, call: Call) -> LampResult:
        """Switch it."""
        lamp = lamp_of(self.provider)
        if lamp.config.room == "cellar":
            raise Failed("there is no lamp in the cellar", retry=False)
        lamp.burns = call.args.on
        return LampResult(burns=lamp.burns)

    async def in_force(self, call: Call) -> dict[str, Any] | None:
        """Say whether it burns."""
        return {"on": True} if lamp_of(self.provider).burns else None


class Look(Probe):
    """Looks at it."""

    contract = Contract(name="look", title="Look at the lamp", args=Arguments, result=LampResult, effect="read")

    async def read(self, call: Call) -> LampResult:
        """Look."""
        return LampResult(burns=lamp_of(self.provider).burns)


class LampProvider(Provider):
    """One lamp."""

    Config = LampConfig
    actions = (Switch,)
    probes = (Look,)
    burns = False


def lamp_of(provider: Provider) -> LampProvider:
    """Return the provider as what it is."""
    assert isinstance(provider, LampProvider)
    return provider


plugin = Plugin(name="lamp", summary="Switches a lamp", provider=LampProvider)

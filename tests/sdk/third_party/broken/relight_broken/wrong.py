"""Can be imported, and is wrong all the same."""

from relight.sdk import Arguments, Call, Contract, Plugin, Probe, Provider, Result


class Sly(Probe):
    """A probe that says that it writes."""

    contract = Contract(name="sly", title="Look, and change it", args=Arguments, result=Result, effect="write")

    async def read(self, call: Call) -> Result:
        """Change it."""
        return Result()


class SlyProvider(Provider):
    """Has the probe."""

    probes = (Sly,)


text = "not a plugin"
writes = Plugin(name="writes", summary="Writes while it reads", provider=SlyProvider)
renamed = Plugin(name="another", summary="Has another name than its entry point", provider=Provider)

"""A provider of every capability, in memory, whose calls end as a test says.

::

    world = FakeWorld()
    world.script("deploy.rollback", Lose(happened=True), Succeed(after_s=2))
    registry = Registry({"fake": fake_plugin(world)})

Besides the capabilities it has actions of its own (``fake.do``, ``fake.destroy``, ``fake.sweep``)
and a probe (``fake.look``). What does not belong here: the world that it changes (``world``).
"""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from relight.sdk import Action, Arguments, Call, Contract, Failed, Plugin, Probe, Provider, Result
from relight.testing import fake_capabilities
from relight.testing.fake_capabilities import Do, InForce
from relight.testing.outcomes import Outcome
from relight.testing.world import FakeWorld, Recorded


class DoArgs(Arguments):
    """What ``fake.do`` takes."""

    name: Annotated[str, Field(description="What is set")] = "it"
    value: Annotated[Any, Field(description="To what")] = None
    idempotent: Annotated[bool, Field(description="Whether doing it again is harmless")] = False


class NameArgs(Arguments):
    """What ``fake.destroy``, ``fake.sweep`` and ``fake.look`` take."""

    name: Annotated[str, Field(description="What is meant")] = "it"


class ValueResult(Result):
    """What the fake's own actions and its probe give."""

    value: Annotated[Any, Field(description="What is there now")] = None


DO = Contract(
    name="do",
    title="Set something",
    args=DoArgs,
    result=ValueResult,
    idempotent="idempotent",
    key_args=("name",),
    neutral={"value": None},
    lasting=True,
    reads_value=True,
)
DESTROY = Contract(name="destroy", title="Destroy something", args=NameArgs, result=ValueResult, effect="destructive")
SWEEP = Contract(
    name="sweep", title="Sweep many targets at once", args=NameArgs, result=ValueResult, idempotent=True, batch=True
)
LOOK = Contract(name="look", title="Look at something", args=NameArgs, result=ValueResult, effect="read")


def fake_plugin(world: FakeWorld | None = None, name: str = "fake") -> Plugin:
    """Return a plugin called *name* whose providers all act on *world*."""
    own = FakeWorld() if world is None else world
    acts = [_action(own, *row) for row in (*fake_capabilities.ACTIONS, *_OWN)]
    reads = [_probe(own, *row) for row in (*fake_capabilities.PROBES, (LOOK, _look))]

    class FakeProvider(Provider):
        """A provider of everything, in memory."""

        actions = tuple(acts)
        probes = tuple(reads)

    return Plugin(name=name, summary="Everything, in memory, for tests", provider=FakeProvider, needs_config=False)


def _action(world: FakeWorld, declared: Contract, do: Do, value: InForce | None) -> type[Action]:
    class Fake(Action):
        contract: ClassVar[Contract] = declared

        async def perform(self, call: Call) -> Result:
            def effect() -> Result:
                result = do(world, call.args, call)
                world.happened[declared.name] += 1
                return result

            result: Result = await _recorded(world, declared, call).play(effect)
            return result

        async def in_force(self, call: Call) -> dict[str, Any] | None:
            if value is None:
                return await super().in_force(call)
            return value(world, call.args)

    return Fake


def _probe(world: FakeWorld, declared: Contract, read: Do) -> type[Probe]:
    class Fake(Probe):
        contract: ClassVar[Contract] = declared

        async def read(self, call: Call) -> Result:
            result: Result = await _recorded(world, declared, call).play(lambda: read(world, call.args, call))
            return result

    return Fake


def _recorded(world: FakeWorld, declared: Contract, call: Call) -> Outcome:
    targets = tuple(target.name for target in call.targets)
    args = call.args.model_dump(mode="json", exclude_unset=True)
    said = {target.name: dict(target.variables) for target in call.targets if target.variables}
    world.calls.append(Recorded(name=declared.name, args=args, key=call.key, targets=targets, variables=said))
    return world.next_outcome(declared.name)


def _do(world: FakeWorld, args: DoArgs, _call: Call) -> Result:
    if args.value is None:
        world.things.pop(args.name, None)
    else:
        world.things[args.name] = args.value
    return ValueResult(value=args.value)


def _destroy(world: FakeWorld, args: NameArgs, _call: Call) -> Result:
    return ValueResult(value=world.things.pop(args.name, None))


def _sweep(world: FakeWorld, _args: NameArgs, call: Call) -> Result:
    names = [target.name for target in call.targets]
    failed = {name: world.refusing[name] for name in names if name in world.refusing}
    world.swept.update(name for name in names if name not in failed)
    if failed:
        raise Failed(f"{len(failed)} of {len(names)} targets refused", targets=failed)
    return ValueResult(value=len(names))


def _look(world: FakeWorld, args: NameArgs, _call: Call) -> Result:
    return ValueResult(value=world.things.get(args.name))


def _thing(world: FakeWorld, args: DoArgs) -> dict[str, Any] | None:
    return {"name": args.name, "value": world.things[args.name]} if args.name in world.things else None


_OWN: tuple[tuple[Contract, Do, InForce | None], ...] = (
    (DO, _do, _thing),
    (DESTROY, _destroy, None),
    (SWEEP, _sweep, None),
)

plugin = fake_plugin()

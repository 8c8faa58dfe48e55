"""The conformance suite for simulations.

::

    class TestMySimulation(SimulationConformance):
        kind = my_simulation.MySimulation

What it plays is judged by what every rehearsal relies on: time passes only when it is told to, the same calls give the
same night, and nothing that a document may ask for makes it raise.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from relight.sdk import Failed, OutcomeUnknown, Result, Setting, Simulation, Work
from relight.sdk.capabilities import ALL
from relight.testing.samples import SAMPLES, Sample

HOUR_MS = 3_600_000
STEPS_MS = (1, 249, 250, 1_000, 60_000, 60_001)


class SimulationConformance:
    """What every simulation does; a subclass names its class and, if it needs one, a configuration."""

    kind: type[Simulation]
    parameters: ClassVar[dict[str, Any]] = {}
    samples: ClassVar[Mapping[str, Sample]] = {}
    """Those that differ from the suite's own."""

    def make(self, seed: int = 7) -> Simulation:
        """Return one at its beginning."""
        return self.kind(self.kind.Config.model_validate(self.parameters), Setting(seed=seed, pace=10.0))

    def begun(self, world: Simulation, name: str) -> Work:
        """Begin a capability with its sample's arguments."""
        return world.begin(name, ALL[name].args.model_validate(dict(self.sample(name).args)), key=f"key of {name}")

    def sample(self, name: str) -> Sample:
        """Return how a capability is called."""
        return self.samples.get(name, SAMPLES[name])

    def actions(self) -> list[str]:
        """Return the capabilities that it plays and that change something."""
        return [each.name for each in self.kind.plays if each.name in SAMPLES and each.effect != "read"]

    # ---- declarations

    def test_its_parameters_have_defaults_and_descriptions(self) -> None:
        """A site may name a simulation and nothing else."""
        self.kind.Config()
        assert [name for name, field in self.kind.Config.model_fields.items() if not field.description] == []

    def test_what_it_plays_is_told_apart(self) -> None:
        """Each name once, and a capability of the project is played under its own contract."""
        names = [contract.name for contract in self.kind.plays]
        assert len(set(names)) == len(names) > 0
        assert [c.name for c in self.kind.plays if c.name in ALL and c is not ALL[c.name]] == []

    # ---- time

    def test_time_passes_only_when_told_to(self) -> None:
        """It begins at 0 and goes exactly as far as it is let."""
        world = self.make()
        assert world.now_ms == 0
        for until_ms in STEPS_MS:
            assert world.advance(until_ms) == world.now_ms == until_ms
        assert world.advance(0) == STEPS_MS[-1], "time never goes back"

    def test_long_steps_and_short_ones_give_the_same_night(self) -> None:
        """How often a driver looks changes nothing."""
        one, other = self.make(), self.make()
        one.advance(30_000)
        for until_ms in range(0, 30_001, 77):
            other.advance(until_ms)
        other.advance(30_000)
        assert one.curves() == other.curves()

    def test_a_seed_gives_the_same_night_again(self) -> None:
        """The same calls at the same moments, the same curves and the same toll."""

        def night() -> tuple[Any, Any]:
            world = self.make(seed=11)
            for name in self.actions():
                self.begun(world, name)
                world.advance(world.now_ms + 5_000)
            return world.curves(), world.toll()

        assert night() == night()

    # ---- what is done to it

    def test_every_action_ends(self) -> None:
        """Within its contract's time, and time stops there, so that nobody has to guess."""
        for name in self.actions():
            world = self.make()
            work = self.begun(world, name)
            begun_ms, limit_ms = world.now_ms, round((ALL[name].timeout_s or 300.0) * 1_000)
            if work.outcome is None:
                assert world.advance(begun_ms + limit_ms) <= begun_ms + limit_ms
            assert isinstance(work.outcome, Result | Failed | OutcomeUnknown), name
            if isinstance(work.outcome, Result):
                assert isinstance(work.outcome, ALL[name].result), name

    def test_what_succeeded_is_not_done_again(self) -> None:
        """The same action under the same key is the same piece of work."""
        for name in self.actions():
            world = self.make()
            first = self.begun(world, name)
            assert self.begun(world, name) is first or isinstance(first.outcome, Failed), name

    def test_work_can_be_stopped(self) -> None:
        """At once, with an outcome, and the world goes on."""
        for name in self.actions():
            world = self.make()
            work = self.begun(world, name)
            work.stop()
            assert work.outcome is not None, name
            assert world.advance(world.now_ms + 10_000) == world.now_ms

    def test_what_it_does_not_play_fails_for_certain(self) -> None:
        """Nobody is left to wonder whether it happened."""
        work = self.make().begin("nothing.like-it", None)
        assert isinstance(work.outcome, Failed)
        assert not work.outcome.retry

    # ---- what is read of it

    def test_the_value_in_force_can_be_put_back(self) -> None:
        """What an action reads are arguments of its own contract."""
        for name in self.actions():
            if not ALL[name].reads_value:
                continue
            args = ALL[name].args.model_validate(dict(self.sample(name).args))
            found = self.make().in_force(name, args)
            if found is not None:
                ALL[name].args.model_validate(found)

    def test_whatever_is_asked_it_answers(self) -> None:
        """A query that makes no sense has no value, and says why."""
        world = self.make()
        for text in ("", "((", "no_such_metric", "sum(rate(no_such_metric[5m]))", "1/0", "x" * 5_000):
            answer = world.query("nobody_defines_this", text)
            assert answer.kind != "value" or answer.value is not None
            assert answer.kind == "value" or answer.detail or answer.kind in ("nan", "empty")

    def test_curves_are_in_order(self) -> None:
        """Every name once, and moments that rise from 0."""
        world = self.make()
        world.advance(20_000)
        names = [curve.name for curve in world.curves()]
        assert len(set(names)) == len(names)
        for curve in world.curves():
            times = [at for at, _ in curve.points]
            assert times == sorted(set(times))
            assert not times or (times[0] >= 0 and times[-1] <= world.now_ms)

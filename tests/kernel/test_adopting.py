"""What ended runs left in force is adopted by a new run that touches it: its value, the value before it, its undo."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relight.errors import NotNow
from relight.kernel import facts as f
from relight.kernel.adopting import adoptions
from relight.kernel.decide import decide
from relight.kernel.effects import layers
from relight.kernel.evolve import evolve
from relight.kernel.inputs import Started
from relight.kernel.intents import Observe
from relight.kernel.plan import Plan, Step, Use
from relight.kernel.state import EffectEntry, Run
from relight.testing.desk import EPOCH_MS, Desk
from relight.testing.plans import (
    act,
    fan,
    gate,
    kind,
    lasting,
    path,
    plan,
    ramp,
    stage,
    throttle,
    undo_previous,
    undo_with,
    use,
)

THROTTLE, FREEZE, SCALE = "admission.throttle@fake", "deploy.freeze@fake", "edge.scale@fake"
OPEN = {"percent": 100}
FROZEN = act("freeze", lasting("deploy.freeze"), undo=undo_with(use("deploy.unfreeze")))
TASK = kind("task", "manual")


def readable(percent: float) -> Use:
    """Return a throttle whose value in force can be read."""
    return replace(throttle(percent=percent), reads_value=True)


def shield(percent: float = 10, name: str = "shield") -> Step:
    """Return a protective throttle that goes back to what was there before."""
    return act(name, readable(percent), protective=True, undo=undo_previous())


def ended(*steps: Step, run: str = "old", found: Any = OPEN, after: tuple[Run, ...] = (), **how: Any) -> Run:
    """Return a run that did these steps, each of which found *found* in force, and was aborted then."""
    desk = Desk(plan(stage("one", *steps, TASK), **how), run=run, after=after)
    for step in steps:
        done(desk, step.id, found=found)
    desk.t += 60_000
    desk.ask("dee", "abort")
    return desk.run


def succeeded(*steps: Step, run: str = "old", found: Any = OPEN) -> Run:
    """Return a run that did these steps and came to its end."""
    desk = Desk(plan(stage("one", *steps)), run=run)
    for step in steps:
        done(desk, step.id, found=found)
    assert "succeeded" == desk.run.state
    return desk.run


def done(desk: Desk, step: str, *, found: Any = OPEN) -> None:
    """Have a step read what is in force, where it does, and succeed."""
    if any(name.startswith(f"before:{step}:") for name in desk.ids):
        desk.read(f"before:{step}", found)
    desk.report(step)


def begun(*steps: Step, after: tuple[Run, ...], run: str = "new", **how: Any) -> Desk:
    """Return a desk where these steps and a task run after those runs."""
    return Desk(plan(stage("one", *steps, TASK), **how), run=run, after=after)


def undone(desk: Desk) -> list[tuple[str, str, dict[str, Any]]]:
    """Let everything be undone that is under way, and return each call."""
    found = []
    while desk.performing:
        call = desk.perform(desk.performing[0])
        found.append((call.step, call.use.capability, call.args))
        desk.report(call.step)
    return found


def shape(entry: EffectEntry) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    """Return whose effect it is, its value, and the value before it."""
    return entry.step, entry.value, entry.before


# ---- what is adopted


def test_an_effect_that_the_plan_touches_is_adopted_as_it_was_left() -> None:
    """Value, value before, undo and protection; its step is known by the run that made it."""
    old = ended(shield(), FROZEN)
    desk = begun(shield(20), after=(old,))
    assert ["RunStarted", "EffectAdopted"] == desk.kinds()[:2]
    (entry,) = desk.run.ledger.values()
    left = old.ledger[THROTTLE]
    assert ("old/shield", {"percent": 10}, OPEN) == shape(entry)
    assert (left.undo, True, True) == (entry.undo, entry.protective, entry.sure)
    assert ("old/one", ("old/shield",)) == (entry.stage, entry.steps)
    assert entry.t < 0, "it was in force before this run began"


def test_what_the_plan_does_not_touch_stays_with_its_run() -> None:
    """Another capability, another target, another provider, a step of another name: none of them is touched."""
    serve = lasting("edge.serve", on=("nodes",), nodes=["a"])
    old = ended(FROZEN, act("serve", serve), act("own", undo=undo_with(use("put.back"))))
    others = (
        act("serve", replace(serve, args={"nodes": ["b"]})),
        act("freeze", replace(FROZEN.use or serve, provider="another")),
        act("other", undo=undo_with(use("put.back"))),
        kind("own", "wait"),
    )
    assert {} == begun(*others, after=(old,)).run.ledger


def test_a_target_that_is_known_only_later_may_be_any() -> None:
    """Then every effect of that capability at that provider is adopted, as far as the rest of the target fits."""
    serve = lasting("edge.serve", on=("pool", "nodes"), pool="edge", nodes=["a"])
    old = ended(act("serve", serve))
    late = replace(serve, args={"pool": "edge", "nodes": path("steps.x.result")})
    plans = [
        plan(stage("one", act("x"), act("y", replace(late, args={**late.args, "pool": p})))) for p in ("edge", "b")
    ]
    assert [["perhaps"], []] == [[each.touch for each in adoptions(each_plan, [old])] for each_plan in plans]
    assert ["surely"] == [each.touch for each in adoptions(old.plan, [old])]


def test_a_steps_own_effect_is_known_by_the_steps_name() -> None:
    """A script that ran as ``block`` left what a later ``block`` of the same script does again."""
    block = act("block", undo=undo_with(use("unblock")))
    old = ended(block)
    desk = begun(block, after=(old,))
    assert ["block@fake:block"] == list(desk.run.ledger)
    assert [] == adoptions(replace(old.plan, runbook="another"), [old])
    desk.ask("dee", "abort")
    assert ["surely"] == [each.touch for each in adoptions(old.plan, [desk.run])]


def test_the_same_script_for_something_else_is_another_effect() -> None:
    """Both are undone, each with its own undo; the same one is undone once."""
    block = act("block", undo=undo_with(use("unblock", address="10.0.0.1")))
    other = replace(block, undo=undo_with(use("unblock", address="10.0.0.2")))
    for again, addresses in ((block, ["10.0.0.1"]), (other, ["10.0.0.2", "10.0.0.1"])):
        desk = begun(again, after=(ended(block),))
        done(desk, "block")
        top = desk.run.ledger["block@fake:block"]
        assert addresses == [layer.undo and layer.undo.args["address"] for layer in layers(top)]


def test_an_effect_that_several_runs_left_is_one() -> None:
    """The last one's value is in force, and beneath it is what the first one found."""
    first = ended(shield(10), run="first")
    second = ended(act("half", throttle(percent=50)), run="second")
    (adoption,) = adoptions(plan(stage("one", shield())), [first, second])
    top, bottom = layers(adoption.entry)
    assert ("second/half", {"percent": 50}) == (top.step, top.value)
    assert ("first/shield", {"percent": 10}, OPEN) == shape(bottom)
    assert (True, True, ("first/shield", "second/half")) == (top.protective, top.loosens, top.steps)
    assert bottom.t < top.t < 0
    assert "second" == adoption.holder


def test_an_unsure_effect_over_an_earlier_runs_comes_back_to_that_if_it_never_was() -> None:
    """A person says that it is not; then the earlier run's is what is in force."""
    first = ended(shield(10), run="first")
    desk = Desk(plan(stage("one", act("half", throttle(percent=50), on_failure="continue"), TASK)), run="second")
    for outcome in ("unknown", "failed"):
        desk.report("half", outcome, error="no answer")
    desk.ask("dee", "abort")
    new = begun(shield(), after=(first, desk.run))
    assert not new.run.ledger[THROTTLE].sure
    new.ask("ana", "mark", "second/half", value="not-done")
    assert ("first/shield", {"percent": 10}, OPEN) == shape(new.run.ledger[THROTTLE])


def test_three_layers_stay_three() -> None:
    """What a run had superseded itself is still beneath its effect, and the earlier run's beneath that."""
    first = ended(shield(10), run="first")
    steps = (act("x", throttle(percent=20)), act("y", throttle(percent=30)))
    (adoption,) = adoptions(plan(stage("one", shield())), [first, ended(*steps, run="second")])
    assert ["second/y", "second/x", "first/shield"] == [layer.step for layer in layers(adoption.entry)]


def test_what_was_adopted_is_adopted_again_under_its_first_name() -> None:
    """Run three adopts from run two what run one left; it knows who made it, and from whom it has it."""
    one = ended(shield(), run="one")
    two = begun(shield(), after=(one,), run="two")
    two.ask("dee", "abort")
    three = begun(shield(), after=(two.run,), run="three")
    fact = next(fact for fact in three.facts if isinstance(fact, f.EffectAdopted))
    assert ("two", ("one/shield",)) == (fact.holder, tuple(left.step.id for left in fact.left))
    assert ("one", "aborted", one.ended_at) == (fact.left[0].run, fact.left[0].outcome, fact.left[0].ended_at)
    assert ("one/shield", {"percent": 10}, OPEN) == shape(three.run.ledger[THROTTLE])
    assert "one/one" == three.run.ledger[THROTTLE].stage


def test_only_runs_that_left_something_are_looked_at_in_order() -> None:
    """Without any a run begins as ever."""
    assert ["RunStarted"] == [type(fact).__name__ for fact in decide(None, _start(plan(stage("one", shield()))))]


def _start(of: Plan, *after: Run) -> Started:
    return Started(at=EPOCH_MS, t=0, run="new", plan=of, starter="ana", after=after)


def test_a_provider_that_only_the_undo_needs_comes_with_it() -> None:
    """The plan's own configuration of a provider counts before the ended run's."""
    elsewhere = replace(FROZEN, undo=undo_with(use("deploy.unfreeze", provider="chat")))
    old = ended(elsewhere, providers={"fake": {"use": "old"}, "chat": {"use": "irc"}, "idle": {"use": "none"}})
    desk = begun(FROZEN, after=(old,), providers={"fake": {"use": "new"}})
    assert {"fake": {"use": "new"}, "chat": {"use": "irc"}} == desk.run.providers
    unconfigured = begun(FROZEN, after=(ended(elsewhere),))
    assert {} == unconfigured.run.providers


def test_what_protects_is_observed_from_the_beginning() -> None:
    """Also before the new run has done anything."""
    desk = begun(TASK2, shield(), after=(ended(shield()),))
    assert [f"observe:{THROTTLE}"] == [item.id for item in desk.wanted(Observe)]


TASK2 = kind("first", "manual")


# ---- taking over: the step's own, with what was there before the ended run


def test_a_step_that_does_the_same_again_takes_the_effect_over() -> None:
    """Undoing it goes back to what was there before the run that was aborted, in one call."""
    desk = begun(shield(5), after=(ended(shield()),))
    done(desk, "shield", found={"percent": 10})
    (entry,) = desk.run.ledger.values()
    assert ("shield", {"percent": 5}, OPEN) == shape(entry)
    assert (OPEN, None, ("old/shield", "shield")) == (entry.undo and entry.undo.args, entry.prior, entry.steps)


def test_what_was_left_is_undone_by_the_step_that_undoes_the_new_one() -> None:
    """Deploys are let go once, and nothing is in force."""
    desk = Desk(
        plan(stage("one", FROZEN, kind("unfreeze", "undo", undoes="freeze"))), run="new", after=(ended(FROZEN),)
    )
    done(desk, "freeze")
    assert [("freeze", "deploy.unfreeze", {})] == undone(desk)
    assert ("succeeded", {}) == (desk.run.state, desk.run.ledger)


def test_an_abort_that_undoes_goes_back_to_before_the_ended_run() -> None:
    """What this run took over is its own to undo."""
    soft = act("soft", readable(10), undo=undo_previous())
    desk = begun(replace(soft, use=readable(5)), after=(ended(soft),), on_abort="undo")
    done(desk, "soft", found={"percent": 10})
    desk.ask("dee", "abort")
    assert [("soft", "admission.throttle", OPEN)] == undone(desk)
    assert ("aborted", {}) == (desk.run.outcome, desk.run.ledger)


def test_an_abort_leaves_what_this_run_never_touched() -> None:
    """It is told as left behind, and the next run adopts it from there."""
    desk = begun(TASK2, FROZEN, after=(ended(FROZEN),), on_abort="undo")
    desk.ask("dee", "abort")
    assert ("aborted", (FREEZE,)) == (desk.run.outcome, desk.run.left)


def test_undo_asks_where_either_run_wants_it() -> None:
    """Who takes something over takes that over too."""
    asking = act("soft", readable(10), undo=undo_previous(ask=True))
    desk = begun(act("soft", readable(5), undo=undo_previous()), after=(ended(asking),))
    done(desk, "soft", found={"percent": 10})
    assert desk.run.ledger[THROTTLE].undo_ask


@pytest.mark.parametrize("found", [{"percent": 57}, {"nodes": ["a"]}], ids=["another value", "nothing to compare"])
def test_what_somebody_changed_since_is_not_taken_over(found: dict[str, Any]) -> None:
    """The value that the step found is the one to go back to; what the ended run left stays beneath, with its undo."""
    soft = act("soft", readable(10), undo=undo_previous())
    desk = begun(replace(soft, use=readable(5)), after=(ended(soft),))
    done(desk, "soft", found=found)
    top, bottom = layers(desk.run.ledger[THROTTLE])
    assert (found, OPEN) == (top.undo and top.undo.args, bottom.undo and bottom.undo.args)
    desk.ask("ana", "undo", "soft")
    assert [("soft", "admission.throttle", found)] == undone(desk)
    assert "old/soft" == desk.run.ledger[THROTTLE].step


def test_what_could_not_be_read_is_what_the_ledger_says() -> None:
    """A protective step waits for no reading; the ended run's own is good."""
    desk = begun(shield(5), after=(ended(shield()),))
    desk.read("before:shield", error="no answer")
    desk.report("shield")
    assert ("shield", {"percent": 5}, OPEN) == shape(desk.run.ledger[THROTTLE])


def test_what_a_run_that_succeeded_meant_to_stay_is_not_taken_over() -> None:
    """A rollback of last month is where things are; only what protects is never a goal."""
    soft = act("soft", readable(10), undo=undo_previous())
    desk = begun(replace(soft, use=readable(5)), after=(succeeded(soft),))
    done(desk, "soft", found={"percent": 10})
    assert ["soft", "old/soft"] == [layer.step for layer in layers(desk.run.ledger[THROTTLE])]
    desk = begun(shield(5), after=(succeeded(shield()),))
    done(desk, "shield", found={"percent": 10})
    assert ("shield", {"percent": 5}, OPEN) == shape(desk.run.ledger[THROTTLE])


def test_what_cannot_be_undone_is_not_taken_over() -> None:
    """The new step's undo would go back to what was left, and then nobody would know of that any more."""
    desk = begun(shield(5), after=(ended(act("shield", readable(10), protective=True)),))
    done(desk, "shield", found={"percent": 10})
    assert ["shield", "old/shield"] == [layer.step for layer in layers(desk.run.ledger[THROTTLE])]


def test_what_neither_can_undo_is_the_later_ones() -> None:
    """What was published again is published once."""
    told = act("tell", lasting("status.publish", state="degraded"))
    desk = begun(told, after=(ended(told),))
    done(desk, "tell")
    (entry,) = layers(desk.run.ledger["status.publish@fake"])
    assert ("tell", None) == (entry.step, entry.undo)


def test_a_step_that_loosens_protection_can_return_to_it() -> None:
    """It never takes over: where it fails, the tighter value of the ended run is in force again."""
    wide = act("wide", readable(50), undo=undo_previous())
    of = plan(stage("one", wide, verify=("calm",), gate=gate()))
    desk = Desk(of, run="new", after=(ended(shield()),))
    desk.ask("ana", "approve")
    done(desk, "wide", found={"percent": 10})
    assert desk.run.ledger[THROTTLE].loosens
    desk.turn("verify:", "calm", "fail", 99)
    desk.tick(400_000)
    assert [("wide", "admission.throttle", {"percent": 10})] == undone(desk)
    assert ("old/shield", {"percent": 10}, OPEN) == shape(desk.run.ledger[THROTTLE])


def test_a_ramp_over_adopted_protection_ends_where_nothing_is_in_force() -> None:
    """At its neutral value, verified, nothing is left of either run."""
    admit = act("admit", throttle(), ramp=ramp(100, floor=10, checks=("calm",)))
    desk = Desk(plan(stage("one", admit)), run="new", after=(ended(shield()),))
    desk.turn("ramp:", "calm")
    desk.tick(10_000)
    desk.report("admit")
    desk.turn("ramp:", "calm")
    desk.tick(10_000)
    assert ("succeeded", {}) == (desk.run.state, desk.run.ledger)


def test_hosts_are_counted_and_never_taken_over() -> None:
    """Each run's hosts are undone on their own, by the ended run's list of them."""
    many = act("many", lasting("edge.drain"), undo=undo_with(use("edge.fill")), targets=fan(2))
    both = dict.fromkeys(("h0", "h1"))
    old = Desk(plan(stage("one", many, TASK)), run="old")
    old.report("many", targets=both)
    old.ask("dee", "abort")
    desk = begun(replace(many, targets=fan(1)), after=(old.run,))
    desk.report("many", targets={"h0": None})
    assert ["many", "old/many"] == [layer.step for layer in layers(desk.run.ledger["edge.drain@fake"])]
    desk.ask("ana", "undo", "old/many")
    assert (("h0",), "many") == (desk.perform("many").targets, desk.performing[0])
    desk.report("many", targets={"h0": None})
    assert ("h0", "h1") == desk.perform("old/many").targets
    desk.report("old/many", targets=both)
    assert {} == desk.run.ledger


# ---- undo, mark


def test_what_was_adopted_is_undone_by_name() -> None:
    """With the undo that the ended run recorded; a failed one is tried again."""
    desk = begun(TASK2, FROZEN, after=(ended(FROZEN),))
    desk.ask("ana", "undo", "old/freeze")
    assert "deploy.unfreeze" == desk.perform("old/freeze").use.capability
    desk.report("old/freeze", "failed", error="no answer", retry=False)
    assert ["undo-failed"] == desk.holds
    desk.ask("ana", "retry")
    assert [("old/freeze", "deploy.unfreeze", {})] == undone(desk)
    assert (["undone"], {}) == (desk.holds, desk.run.ledger)
    desk.ask("ana", "resume")
    assert [] == desk.holds


def test_what_protects_is_not_undone_for_the_asking() -> None:
    """As within a run: a stage loosens it, or a run that is there to undo it."""
    desk = begun(TASK2, shield(), after=(ended(shield()),))
    with pytest.raises(NotNow, match="protects the service"):
        desk.ask("ana", "undo", "old/shield")
    with pytest.raises(NotNow, match="there is no step 'older/shield'"):
        desk.ask("ana", "undo", "older/shield")


def test_a_step_may_undo_what_an_ended_run_left() -> None:
    """Such a plan touches just that, and a run of it ends when it is undone."""
    lift = kind("shield", "undo", undoes="old/shield")
    desk = Desk(plan(stage("undo", lift)), run="new", after=(ended(shield(), FROZEN),))
    assert [THROTTLE] == list(desk.run.ledger)
    assert [("old/shield", "admission.throttle", OPEN)] == undone(desk)
    assert ("succeeded", {}) == (desk.run.state, desk.run.ledger)


@pytest.mark.parametrize("value", ["done", "not-done"])
def test_an_unsure_effect_stays_unsure_until_a_person_says(value: str) -> None:
    """Whatever settled it read the ended run, so a person settles it here."""
    what = replace(lasting("edge.scale", add=2), idempotent=False)
    desk = Desk(plan(stage("one", act("scale", what, undo=undo_with(use("edge.unscale"))), TASK)), run="old")
    desk.report("scale", "unknown", error="no answer")
    desk.ask("dee", "abort")
    new = begun(TASK2, act("scale", what), after=(desk.run,))
    assert (False, ["old/scale"]) == (new.run.ledger[SCALE].sure, _unsure(new))
    with pytest.raises(NotNow, match="not known; say which first"):
        new.ask("ana", "undo", "old/scale")
    new.ask("ana", "mark", "old/scale", value=value)
    assert ([SCALE] if value == "done" else []) == list(new.run.ledger)
    assert all(entry.sure and entry.step == "old/scale" for entry in new.run.ledger.values())


def _unsure(desk: Desk) -> list[str]:
    from relight.kernel.choices import choices

    return [choice.words.split()[0] for choice in choices(desk.run) if choice.verb == "mark" and "/" in choice.words][
        :1
    ]


def test_an_undo_that_was_lost_is_nothing_that_is_heard_of_any_more() -> None:
    """A dispatch of the same number in the new run is another one."""
    back = undo_with(replace(use("edge.unscale"), idempotent=True))
    desk = Desk(plan(stage("one", act("scale", lasting("edge.scale", add=2), undo=back), TASK)), run="old")
    desk.report("scale")
    desk.ask("ana", "undo", "scale")
    desk.report("scale", "unknown", error="no answer")
    lost = desk.run.ledger[SCALE]
    desk.ask("dee", "abort")
    while desk.run.outcome is None:
        desk.report("scale", "unknown", error="no answer")
    assert (lost.undo_lost, lost.undo_lost_epoch) == (True, 1)
    new = begun(TASK2, act("scale", lasting("edge.scale", add=2)), after=(desk.run,))
    (entry,) = new.run.ledger.values()
    assert (False, True, 0, 0) == (entry.sure, entry.undo_lost, entry.undo_lost_as, entry.undo_lost_epoch)


def test_last_in_first_out_across_runs() -> None:
    """What is undone first is what came last, whoever's clock it was."""
    scale = act("scale", lasting("edge.scale", add=2), undo=undo_with(use("edge.unscale")))
    desk = begun(scale, FROZEN, after=(ended(FROZEN, run="a"), ended(scale, run="b")))
    times = [(entry.step, entry.t) for entry in desk.run.ledger.values()]
    assert ["a/freeze", "b/scale"] == [step for step, _ in sorted(times, key=lambda each: each[1])]
    assert ["a/freeze", "b/scale"] == [step for step, _ in times]


def test_replaying_its_facts_gives_the_same_run() -> None:
    """What was adopted is in the journal of the run that adopted it, and needs no other."""
    desk = begun(shield(5), FROZEN, after=(ended(shield(), FROZEN),))
    done(desk, "shield", found={"percent": 10})
    folded: Run | None = None
    for fact in desk.facts:
        folded = evolve(folded, fact)
    assert desk.run == folded

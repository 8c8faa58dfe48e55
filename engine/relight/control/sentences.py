"""Every fact as a sentence, for the log and for whoever follows a run line by line.

A fact that has no sentence fails the type check.
"""

from typing import assert_never

from relight.control.wording import argument, arguments, counted, figure, listed, plain_value, rounded
from relight.kernel import facts as f
from relight.kernel.holds import HOLDS

SHORT_DIGEST = 12
TEXT_MAX = 400
"""Characters of an error or a reason in one line; the record has the rest."""


def sentence(fact: f.AnyFact) -> str:
    """Return what happened, in one sentence without its full stop."""
    match fact:
        case (
            f.RunStarted()
            | f.DriverTookOver()
            | f.PlanAmended()
            | f.PeopleTurned()
            | f.Paused()
            | f.Resumed()
            | f.AbortBegun()
            | f.Held()
            | f.HoldLeft()
            | f.RequestRefused()
            | f.Noted()
            | f.RunEnded()
        ):
            return _run(fact)
        case (
            f.ProbeRead()
            | f.CheckTurned()
            | f.GuardBreached()
            | f.GuardCleared()
            | f.StageEntered()
            | f.StageSkipped()
            | f.StageVerified()
            | f.GateAsked()
            | f.VoteCast()
            | f.GateDenied()
            | f.GateExpired()
            | f.GateEscalated()
            | f.GateOpened()
        ):
            return _stage(fact)
        case (
            f.EffectInForce()
            | f.EffectAdopted()
            | f.EffectDrifted()
            | f.EffectCleared()
            | f.UndoBegun()
            | f.UndoFailed()
            | f.UndoEnded()
            | f.RampBegun()
            | f.RampMoved()
            | f.RampCooling()
            | f.RampSteered()
        ):
            return _effect(fact)
        case _:
            return _step(fact)


def _run(
    fact: f.RunStarted
    | f.DriverTookOver
    | f.PlanAmended
    | f.PeopleTurned
    | f.Paused
    | f.Resumed
    | f.AbortBegun
    | f.Held
    | f.HoldLeft
    | f.RequestRefused
    | f.Noted
    | f.RunEnded,
) -> str:
    match fact:
        case f.RunStarted():
            return f"{fact.starter} started {fact.plan.runbook} on {fact.plan.site} (plan {_digest(fact.plan.digest)})"
        case f.DriverTookOver():
            lost = "; the clock went back, waiting tickets expire" if fact.clock_lost else ""
            return f"driver {fact.driver} took over, epoch {fact.epoch}{lost}"
        case f.PlanAmended():
            return f"{fact.person} changed the plan to {_digest(fact.plan.digest)}{_because(fact.reason)}"
        case f.PeopleTurned():
            return f"the site's people are now {listed([person.id for person in fact.people]) or 'nobody'}"
        case f.Paused():
            return f"{fact.person} paused the run{_by(fact.door)}{_because(fact.reason)}"
        case f.Resumed():
            return f"{fact.person} resumed the run{_by(fact.door)}{_because(fact.reason)}"
        case f.AbortBegun():
            return f"{fact.person} aborted the run{_by(fact.door)}{_because(fact.reason)}"
        case f.Held():
            why = fact.text or (HOLDS[fact.code].means if fact.code in HOLDS else fact.subject)
            return f"HELD ({fact.code}){_at(fact.step or fact.stage)}{_because(why)}"
        case f.HoldLeft():
            who = f"{fact.person} said {fact.verb}" if fact.person else "it settled"
            return f"hold {fact.code}{_at(fact.step or fact.stage)} left: {who}{_because(fact.reason)}"
        case f.RequestRefused():
            return f"refused {fact.person}'s {fact.verb}: {_short(fact.why)}"
        case f.Noted():
            return f"{fact.person} notes: {_short(fact.text)}"
        case f.RunEnded():
            left = f"; {counted(len(fact.left), 'effect')} left in force" if fact.left else ""
            unknown = f"; outcome unknown of {listed(fact.unknown)}" if fact.unknown else ""
            return f"the run {_ended(fact.outcome)}{f': {fact.why}' if fact.why else ''}{left}{unknown}"
        case _:
            assert_never(fact)


def _stage(
    fact: f.ProbeRead
    | f.CheckTurned
    | f.GuardBreached
    | f.GuardCleared
    | f.StageEntered
    | f.StageSkipped
    | f.StageVerified
    | f.GateAsked
    | f.VoteCast
    | f.GateDenied
    | f.GateExpired
    | f.GateEscalated
    | f.GateOpened,
) -> str:
    match fact:
        case f.ProbeRead():
            return f"probe {fact.probe} {f'failed: {_short(fact.error)}' if fact.error else 'answered'}"
        case f.CheckTurned():
            detail = f" ({_short(fact.detail)})" if fact.detail else ""
            return f"check {fact.check} is {fact.verdict}{_read(fact.value)}{detail} for {fact.use.split(':')[0]}"
        case f.GuardBreached():
            return f"GUARD {fact.check} breached{_read(fact.value)}: forward motion stops"
        case f.GuardCleared():
            return f"guard {fact.check} passes again{_read(fact.value)}"
        case f.StageEntered():
            return f"stage {fact.stage} entered"
        case f.StageSkipped():
            who = f" by {fact.person}" if fact.person else ""
            return f"stage {fact.stage} skipped{who}: {_short(fact.why)}{_because(fact.reason)}"
        case f.StageVerified():
            who = f": {fact.person} waived its checks{_because(fact.reason)}" if fact.person else ""
            return f"stage {fact.stage} verified{who}"
        case f.GateAsked():
            return f"GATE {fact.ticket} asks: {_short(fact.title) or fact.stage}"
        case f.VoteCast():
            solo = ", SOLO" if fact.solo else ""
            door = _by(fact.door or "an unknown door")
            return f"{fact.person} approved {fact.ticket}{door}{solo}{_because(fact.reason)}"
        case f.GateDenied():
            return f"{fact.person} denied {fact.ticket}{_by(fact.door)}{_because(fact.reason)}"
        case f.GateExpired():
            return f"ticket {fact.ticket} expired{_because(fact.why)}"
        case f.GateEscalated():
            return f"ticket {fact.ticket} escalated to {fact.notify}"
        case f.GateOpened():
            how = " (SOLO)" if fact.solo else " (alone)" if fact.alone else ""
            return f"gate of {fact.stage} open: {listed(fact.approvers) or 'nobody had to approve'}{how}"
        case _:
            assert_never(fact)


def _effect(
    fact: f.EffectInForce
    | f.EffectAdopted
    | f.EffectDrifted
    | f.EffectCleared
    | f.UndoBegun
    | f.UndoFailed
    | f.UndoEnded
    | f.RampBegun
    | f.RampMoved
    | f.RampCooling
    | f.RampSteered,
) -> str:
    match fact:
        case f.EffectInForce():
            sure = "" if fact.sure else "perhaps "
            return f"{sure}in force: {fact.use.capability} {arguments(plain_value(fact.value))}".rstrip()
        case f.EffectAdopted():
            what = f"{fact.entry.use.capability} {arguments(plain_value(fact.entry.value))}".rstrip()
            sure = "" if fact.entry.sure else "perhaps "
            return f"ADOPTED from run {fact.holder}: {sure}in force: {what}, by {fact.entry.step}"
        case f.EffectDrifted():
            return f"DRIFT of {fact.key}: the world shows {argument(fact.observed)}"
        case f.EffectCleared():
            return f"no longer in force: {fact.key}{_because(fact.why)}"
        case f.UndoBegun():
            who = f"{fact.person} began to undo" if fact.person else "undoing"
            if fact.why:
                return f"GOES BACK to the value before, for {_short(fact.why)}: {_short(listed(fact.keys))}"
            return f"{who} {counted(len(fact.keys), 'effect')}: {_short(listed(fact.keys))}"
        case f.UndoFailed():
            return f"{fact.key} could not be undone: {_short(fact.error)}"
        case f.UndoEnded():
            return f"undo ended{f'; the run stands at the start of {fact.back_to}' if fact.back_to else ''}"
        case f.RampBegun():
            return f"ramp {fact.step} begins: {' > '.join(argument(value) for value in fact.values)}"
        case f.RampMoved():
            back = "STEPS BACK" if fact.counted else "stands" if fact.stands else "steps down"
            way = "rises" if fact.direction == "up" else back
            where = argument(fact.value) if fact.value is not None else f"position {fact.position}"
            return f"ramp {fact.step} {way} {'at' if fact.stands else 'to'} {where}{_because(rounded(fact.why))}"
        case f.RampCooling():
            return f"ramp {fact.step} cools down for {max(0, round((fact.until_t - fact.t) / 1_000))} s"
        case f.RampSteered():
            return f"{fact.person} told ramp {fact.step} to {'stay' if fact.stay else 'go on'}"
        case _:
            assert_never(fact)


def _step(
    fact: f.StepPrepared
    | f.StepDispatched
    | f.StepSucceeded
    | f.StepFailed
    | f.StepLost
    | f.StepSettled
    | f.StepStopping
    | f.StepSkipped
    | f.RetryScheduled
    | f.StepReopened
    | f.TargetsReported
    | f.WaitBegun
    | f.ManualAsked,
) -> str:
    match fact:
        case f.StepPrepared():
            return f"{fact.step} prepared: {fact.use.capability} {arguments(plain_value(fact.args))}".rstrip()
        case f.StepDispatched():
            return _dispatched(fact)
        case f.StepSucceeded():
            return f"{_what(fact)} succeeded"
        case f.StepFailed():
            return f"{_what(fact)} {'FAILED' if fact.final else 'failed'}: {_short(fact.error)}"
        case f.StepLost():
            return f"{_what(fact)} UNKNOWN: {_short(fact.why)}"
        case f.StepSettled():
            who = f" ({fact.person})" if fact.person else ""
            known = "was done" if fact.done else "was not done"
            return f"{fact.step} {known}, by {fact.by}{who}{_because(fact.reason)}"
        case f.StepStopping():
            return f"{_what(fact)} is told to stop: {_short(rounded(fact.why))}"
        case f.StepSkipped():
            who = f" by {fact.person}" if fact.person else ""
            return f"{fact.step} skipped{who}: {_short(fact.why)}{_because(fact.reason)}"
        case f.RetryScheduled():
            wait = max(0, round((fact.until_t - fact.t) / 1_000))
            return f"{fact.step} is tried again in {wait} s, attempt {fact.attempt}{_because(_short(fact.why))}"
        case f.StepReopened():
            return f"{fact.person} sent {fact.step} back to its beginning"
        case f.TargetsReported():
            failed = f", {len(fact.failed)} failed" if fact.failed else ""
            unknown = f", {len(fact.unknown)} unknown" if fact.unknown else ""
            return f"{_what(fact)}: {counted(len(fact.done), 'host')} done{failed}{unknown}"
        case f.WaitBegun():
            return f"{fact.step} waits {max(0, round((fact.until_t - fact.t) / 1_000))} s"
        case f.ManualAsked():
            return f"{fact.step} asks a person: {_short(fact.instruction)}"
        case _:
            assert_never(fact)


def _what(fact: f.StepSucceeded | f.StepFailed | f.StepLost | f.StepStopping | f.TargetsReported) -> str:
    """Return what ended: the step, one move of its ramp, or its undo."""
    return {"forward": "", "ramp": "the move of ", "undo": "the undo of "}[fact.purpose] + fact.step


def _dispatched(fact: f.StepDispatched) -> str:
    what = {"forward": "starts", "ramp": "moves", "undo": "is being undone"}[fact.purpose]
    # Each move of a ramp and each batch of hosts is counted as an attempt, and nothing is tried again.
    again = fact.attempt > 1 and fact.purpose != "ramp" and not fact.targets
    attempt = f", attempt {fact.attempt}" if again else ""
    on = f" on {counted(len(fact.targets), 'host')}" if fact.targets else ""
    return f"{fact.step} {what}: {fact.use.capability} {arguments(plain_value(fact.args))}".rstrip() + on + attempt


def _digest(digest: str) -> str:
    return digest[:SHORT_DIGEST] or "without a digest"


def _because(reason: str) -> str:
    return f": {_short(reason)}" if reason else ""


def _by(door: str) -> str:
    """Name the door, where there is more than one; a journal of before it was kept says nothing."""
    return f" by {door}" if door not in ("", "rehearsal") else ""


def _at(place: str) -> str:
    return f" at {place}" if place else ""


def _read(value: float | bool | str | None) -> str:
    return "" if value is None else f" at {figure(value)}"


def _short(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 2] + ".."


def _ended(outcome: str) -> str:
    return "was aborted" if outcome == "aborted" else outcome

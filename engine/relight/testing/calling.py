"""How the conformance suite calls a provider, and what it asserts of the answers."""

import asyncio
import json
import uuid
from collections.abc import Mapping
from typing import Any

import pydantic

from relight.sdk import Action, Call, Contract, Failed, OutcomeUnknown, Probe, Result

PROMPTLY_S = 2.0
"""How long a cancelled call may take beyond its grace period."""
RESULT_BYTES_MAX = 16 * 1024
"""What a journal keeps of a result; more has to be put elsewhere by its author."""
GRACE_S = 0.5


async def perform(action: Action, args: Mapping[str, Any], key: str = "") -> Result:
    """Do *action* with *args*, as a driver would: under a key of its own, unless it is the same thing once more."""
    return await action.perform(call_for(action.contract, args, key))


async def read(probe: Probe, args: Mapping[str, Any]) -> Result | None:
    """Read *probe* with *args*; None where it cannot be read just now, which a probe may say."""
    try:
        return await probe.read(call_for(probe.contract, args))
    except Failed:
        return None


async def in_force(action: Action, args: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is in force on the target of *args*, with every argument as its contract reads it."""
    found = await action.in_force(call_for(action.contract, args))
    if found is None:
        return None
    try:
        parsed = action.contract.args(**found)
    except pydantic.ValidationError as error:
        raise AssertionError(f"{action.contract.name}: in_force gives what the action does not take: {error}") from None
    return parsed.model_dump(mode="json", include=set(found))


def call_for(contract: Contract, args: Mapping[str, Any], key: str = "", **more: Any) -> Call:
    """Return a call as a driver makes it; *more* are further fields of :class:`Call`."""
    named = {"key": key or f"conformance-{uuid.uuid4()}", "run": "conformance", "deadline_s": 30.0, "grace_s": GRACE_S}
    return Call(**{**named, **more}, args=contract.args(**args))


def way_back(contract: Contract, before: Mapping[str, Any] | None, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that put back what was in force: the same, or where nothing was, the neutral ones."""
    if before is not None:
        return dict(before)
    assert contract.neutral, f"{contract.name}: nothing was in force and it has no neutral arguments"
    return {**{key: args[key] for key in contract.key_args if key in args}, **contract.neutral}


def assert_promised(contract: Contract, result: Result | None) -> None:
    """Assert that *result* has the contract's type and a journal can keep it."""
    if result is None:
        return
    assert isinstance(result, contract.result), f"{contract.name} gives {type(result)}, not {contract.result}"
    size = len(json.dumps(result.model_dump(mode="json")))
    assert size <= RESULT_BYTES_MAX, f"{contract.name} gives {size} bytes, more than {RESULT_BYTES_MAX}"


def assert_same(expected: Any, actual: Any, what: str) -> None:
    """Assert that two are equal, and say which two they were."""
    assert expected == actual, f"{what}: expected {expected}, found {actual}"


async def assert_refused(action: Action, args: Mapping[str, Any]) -> None:
    """Assert that *action* does not take *args*, for good."""
    try:
        result = await perform(action, args)
    except Failed as failed:
        assert not failed.retry, f"{action.contract.name} {dict(args)} was refused, but as if trying again could help"
    else:
        raise AssertionError(f"{action.contract.name} {dict(args)} was not refused: {result}")


async def assert_cancellable(action: Action, args: Mapping[str, Any], after_s: float) -> None:
    """Assert that *action* ends soon after it is cancelled."""
    task = asyncio.ensure_future(perform(action, args))
    await asyncio.sleep(after_s)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=GRACE_S + PROMPTLY_S)
    assert done, f"{action.contract.name} still runs {GRACE_S + PROMPTLY_S} s after it was cancelled"
    if not task.cancelled():
        error = task.exception()
        assert error is None or isinstance(error, Failed | OutcomeUnknown), f"{action.contract.name}: {error!r}"

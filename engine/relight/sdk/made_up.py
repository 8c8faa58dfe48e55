"""Results made up from what is declared, for whoever pretends: plausible, not true, and nothing is called for them.

What does not belong here: the real results of anything.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticUndefined

from relight.sdk.plugin import Contract, Failed, Result

Fit = Callable[[Any], Any]


def validated(contract: Contract, args: Mapping[str, Any]) -> Any:
    """Return arguments as an action or probe takes them.

    Raises:
        Failed: they are not what the contract says; the values are left out of the message.
    """
    try:
        return contract.args.model_validate(dict(args))
    except ValidationError as error:
        each = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in each["loc"]) or "arguments"
        raise Failed(f"{contract.name}: {where}: {each['msg']}", retry=False) from None


def made_up(contract: Contract, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result of the declared type, with what was asked for where it repeats that."""
    made: dict[str, Any] = {}
    for name, fit, default in _fields(contract.result):
        made[name] = default
        candidates: list[Any] = [args.get(name), default, name, 1, True, [], {}]
        for value in candidates:
            if value is not None:
                try:
                    made[name] = fit(value)
                except ValidationError:
                    continue
                break
    return made


@lru_cache(maxsize=256)
def _fields(result: type[Result]) -> tuple[tuple[str, Fit, Any], ...]:
    return tuple(
        (name, _fit(field), None if field.default is PydanticUndefined else field.default)
        for name, field in result.model_fields.items()
    )


def _fit(field: Any) -> Fit:
    whole: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    adapter: TypeAdapter[Any] = TypeAdapter(whole)
    return lambda value: adapter.dump_python(adapter.validate_python(value), mode="json")

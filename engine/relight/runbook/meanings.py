"""What each key of a document or a request means: the sentence below it in its model's source.

It is read when a schema or a hint asks for it: to read it as each model is made took a sixth of ``relight lint``.
"""

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class WithMeanings(GenerateJsonSchema):
    """Writes a model's JSON Schema with what its keys mean."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Describe each property by the sentence below its field."""
        written = super().model_schema(schema)
        model = schema["cls"]
        for name, meaning in meanings(model).items():
            field = model.model_fields.get(name)
            if field is not None:
                written["properties"][field.alias or name]["description"] = meaning
        return written


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return what the keys of *model* mean, by their fields' names, those that it inherits included."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            found |= _in_module(each.__module__).get(each.__name__, {})
    return found


@cache
def _in_module(name: str) -> dict[str, dict[str, str]]:
    """Return the sentences of each class in a module; none where it is installed without its source."""
    try:
        written = ast.parse(inspect.getsource(sys.modules[name]))
    except OSError:
        return {}
    return {item.name: _below_fields(item) for item in written.body if isinstance(item, ast.ClassDef)}


def _below_fields(written: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, below in pairwise(written.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(sentence))):
                found[name] = inspect.cleandoc(sentence)
            case _:
                pass
    return found

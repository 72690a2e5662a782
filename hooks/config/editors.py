"""The JSON Schema of `bough.yml`, for editors: made from the very models that files are held to.

It accepts every file that the loader accepts, and refuses every unknown key. Where a rule cannot be
said in JSON Schema (cycles, templates, globs) it accepts more; `bough hooks validate` knows all.

Reads the conventions of `schema` and `fields`: no key may be without a value; a check before a list
lets one value stand for a list of one; a check before a text lets numbers and booleans stand for
what they look like.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from bough.hooks.config.schema import FileShape
from bough.hooks.config.wording import MEANINGS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = ["string", "number", "boolean"]


def json_schema() -> dict[str, Any]:
    """The schema of a whole file, as plain data."""
    made = FileShape.model_json_schema(schema_generator=_Generator)
    for shape in (made, *made["$defs"].values()):
        for key, value in shape.get("properties", {}).items():
            value["description"] = MEANINGS.get(shape["title"], {}).get(key, "")
        shape["title"] = _TITLES.get(shape["title"], shape["title"].removesuffix("Shape").lower())
    return {"$schema": DIALECT, **made}


_TITLES = {"FileShape": "bough.yml"}


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, told what the conventions mean."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """None means that a key is absent; a file cannot write it."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        made = super().function_before_schema(schema)
        match schema["schema"]["type"]:
            case "list":
                return {"anyOf": [made["items"], made]}
            case "str":
                return {"type": _TEXT}
            case _:
                return made

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """A task without `jobs` may look like both of its forms, which is no fault of it."""
        return {"anyOf": [self.generate_inner(choice) for choice in schema["choices"].values()]}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        return {
            "type": "object",
            "propertyNames": self.generate_inner(schema["keys_schema"]),
            "additionalProperties": self.generate_inner(schema["values_schema"]),
        }

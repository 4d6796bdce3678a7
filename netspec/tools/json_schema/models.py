"""Schemas of the language's mappings, made by Pydantic from the models that validate them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonRef

from netspec.tools.json_schema.values import Schema, identifier, mapping_of, reference, word


class _Generator(GenerateJsonSchema):
    """Pydantic's own, without titles, defaults and null, which an editor would offer."""

    def handle_ref_overrides(self, json_schema: Schema) -> Schema:
        """As it is: what it refers to, the language's types say, and we define."""
        return json_schema

    def definitions_schema(self, schema: Any) -> Schema:
        """That of what is asked for; of what it refers to, an editor is told where that is written."""
        self.known = {known["ref"]: known for known in schema["definitions"]}
        return self.generate_inner(schema["schema"])

    def definition_ref_schema(self, schema: Any) -> Schema:
        """That of a model which holds itself."""
        return self.generate_inner(self.known[schema["schema_ref"]])

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: a key is its own title."""
        return False

    def default_schema(self, schema: Any) -> Schema:
        """That of the values that are written."""
        return self.generate_inner(schema["schema"])

    nullable_schema = default_schema

    def literal_schema(self, schema: Any) -> Schema:
        """A list of words, also where it is a single one."""
        return {"enum": schema["expected"]}

    def function_plain_schema(self, schema: Any) -> Schema:
        """One of a fixed set of words, or a parameter that holds one; or whatever is looked into later."""
        written = self.generate_inner(schema["json_schema_input_schema"])
        return word(written["enum"]) if written else written

    def dict_schema(self, schema: Any) -> Schema:
        """A mapping, of the user's names where its keys are identifiers."""
        values = self.generate_inner(schema["values_schema"])
        if self.generate_inner(schema["keys_schema"]) != reference("identifier"):
            return {"type": "object", "additionalProperties": values}
        if schema["values_schema"]["type"] == "nullable":
            values["type"] = ["object", "null"]
        return mapping_of(values)

    def union_schema(self, schema: Any) -> Schema:
        """A name or a list of names: what `from` takes."""
        single, several = map(self.generate_inner, schema["choices"])
        return {
            **identifier("a name, or a list of names"),
            "type": ["string", several["type"]],
            "allOf": [{"if": {"type": "string"}, "then": single}, {"items": several["items"]}],
        }


def object_schema(model: type[BaseModel], special: Mapping[str, Schema] = {}) -> Schema:
    """The schema of a model's mapping; ``special`` holds keys whose type says too little."""
    model.model_rebuild()
    generator = _Generator(ref_template="#/definitions/{model}")
    own = generator.generate_inner(model.__pydantic_core_schema__)
    schema = generator.definitions[generator.json_to_defs_refs[JsonRef(own["$ref"])]]
    del schema["title"]
    for key, value in special.items():
        schema["properties"][key] = {
            "description": schema["properties"][key]["description"],
            **value,
        }
    return schema

"""The language as Pydantic models: what a spec and a block file may say, key by key.

The fields of every op's step come from the op's declaration (:mod:`netspec.ops`), so an attribute is
declared once. ``loc`` of a validation error is the place of the value in the YAML.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    create_model,
    model_validator,
)

from netspec.geometry import Padding
from netspec.initializers import Initializer
from netspec.ops import OPS, Axes, Op, attributes_of
from netspec.ops.base import AttributeInfo
from netspec.schema.fields import (
    AxesField,
    InitField,
    Number,
    PaddingField,
    literal_choices,
    word_of,
)

LANGUAGE_VERSION = 1

IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
Identifier = Annotated[str, Field(pattern=rf"^{IDENTIFIER}$", max_length=64)]
NameTemplate = Annotated[str, Field(min_length=1, max_length=200)]


def _text(value: Any) -> Any:
    """YAML reads a name such as 1 as a number; names are text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[NameTemplate, BeforeValidator(_text)]


class Strict(BaseModel):
    """Base of all models: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, frozen=True)


def _field_type(info: AttributeInfo) -> Any:
    if info.type is Padding:
        return PaddingField
    if info.type == Initializer:
        return InitField
    if info.type in (Axes, Axes | None):
        return AxesField
    if get_origin(info.type) is Literal:
        return word_of(literal_choices(info.type))
    return Number


def _op_model(op: type[Op]) -> type[BaseModel]:
    """The model of an op's attributes; all optional, since `defaults` may fill them."""
    fields: dict[str, Any] = {
        name: (_field_type(info) | None, Field(default=None, description=info.doc))
        for name, info in attributes_of(op).items()
    }
    return create_model(op.__name__, __base__=Strict, __doc__=op.__doc__, **fields)


OP_MODELS: dict[str, type[BaseModel]] = {kind: _op_model(op) for kind, op in OPS.items()}


def _step_mapping(value: Any) -> Any:
    """A bare word is a step without attributes; null is an empty mapping."""
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, dict):
        return {key: {} if v is None and key not in META else v for key, v in value.items()}
    return value


META = ("name", "as", "from", "merge")
COMBINATORS = ("residual", "gate", "concat", "branches", "repeat", "when", "sequence")

Merge = Literal["add", "concat", "mul"]


class StepBase(Strict):
    """One step: exactly one of an op, a combinator, or the name of a block, role or slot."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True, frozen=True)

    name: Name | None = Field(None, description="name of the layer in weight names")
    as_: Identifier | None = Field(None, alias="as", description="name of this step's result")
    from_: Identifier | list[Identifier] | None = Field(
        None, alias="from", description="take named results of this block as input"
    )
    merge: Merge | None = Field(None, description="how several inputs become one")

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        value = _step_mapping(value)
        if isinstance(value, dict):
            actions = [key for key in value if key not in META]
            if len(actions) > 1:
                raise ValueError(
                    "a step has one key besides name, as and from; got "
                    + " and ".join(f"`{key}`" for key in actions)
                )
            if not actions and "from" not in value:
                raise ValueError("a step needs an op, a combinator or a block")
        return value

    @property
    def action(self) -> str | None:
        """The key that says what the step does; None when it only takes inputs."""
        extra = self.model_extra or {}
        if extra:
            return str(next(iter(extra)))
        for key in self.model_fields_set:
            if key not in ("name", "as_", "from_", "merge"):
                return key
        return None


class Residual(Strict):
    """`body(x) + shortcut(x)`; without a shortcut, x itself is added."""

    body: list[Step]
    shortcut: Steps = Field(default_factory=list)


class Body(Strict):
    """A combinator around one body."""

    body: list[Step]


class Branches(BaseModel):
    """Several paths from one input, merged; every key but `merge` names a path."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True, frozen=True)
    __pydantic_extra__: dict[str, list[Step]]

    merge: Merge = "add"


class Repeat(Strict):
    """The body, `times` times; `index` names the counter, from 0."""

    times: Number
    index: Identifier = "index"
    body: list[Step]


def _one_step_is_a_list(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


class When(Strict):
    """The steps of `then` where the test holds, those of `else` elsewhere; decided at compile time."""

    test: Number
    then: Steps = Field(default_factory=list)
    else_: Steps = Field(default_factory=list, alias="else")


COMBINATOR_TYPES: dict[str, Any] = {
    "residual": Residual,
    "gate": Body,
    "concat": Body,
    "branches": Branches,
    "repeat": Repeat,
    "when": When,
    "sequence": list["Step"],
}

_step_fields: dict[str, Any] = {
    **{kind: (model | None, None) for kind, model in OP_MODELS.items()},
    **{
        kind: (annotation | None, None)
        for kind, annotation in COMBINATOR_TYPES.items()
        if kind != "sequence"
    },
    "sequence": ("list[Step] | None", None),
}
Step = create_model("Step", __base__=StepBase, __module__=__name__, **_step_fields)
Steps = Annotated[list[Step], BeforeValidator(_one_step_is_a_list)]  # type: ignore[valid-type]

PARAM_TYPES = (
    "int",
    "float",
    "bool",
    "str",
    "block",
    "steps",
    "list[int]",
    "list[float]",
    "list[bool]",
    "list[str]",
)


class ParamModel(Strict):
    """A declared parameter: its type, its default unless it is required, and what it is for."""

    type: Literal[PARAM_TYPES]
    default: Any = None
    doc: str = ""

    @property
    def required(self) -> bool:
        """Whether every use must give a value."""
        return "default" not in self.model_fields_set


def _param(value: Any) -> ParamModel:
    if isinstance(value, ParamModel):
        return value
    if isinstance(value, dict):
        if "type" not in value:
            raise ValueError("a parameter written as a mapping needs `type`")
        if value["type"] not in PARAM_TYPES:
            raise ValueError(f"`type` is one of {', '.join(PARAM_TYPES)}")
        unknown = sorted(set(value) - {"type", "default", "doc"})
        if unknown:
            raise ValueError(f"a parameter takes `type`, `default` and `doc`, not `{unknown[0]}`")
        return ParamModel(**value)
    if isinstance(value, str):
        if value in PARAM_TYPES:
            return ParamModel(type=value)  # type: ignore[arg-type]
        raise ValueError(
            f"expected a default, or a type ({', '.join(PARAM_TYPES)}); write a text or an expression "
            "as {type: …, default: …}"
        )
    kind = type_of(value)
    if kind is None:
        raise ValueError(
            "expected a number, true, false or a list of numbers as default, or a type"
        )
    return ParamModel(type=kind, default=value)  # type: ignore[arg-type]


def type_of(value: Any) -> str | None:
    """The parameter type of a plain value, None where it has none."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    if isinstance(value, list) and value:
        kinds = {type_of(item) for item in value}
        if kinds == {"int", "float"}:
            kinds = {"float"}
        if len(kinds) == 1 and kinds <= {"int", "float", "bool"}:
            return f"list[{kinds.pop()}]"
    return None


Param = Annotated[ParamModel, PlainValidator(_param, json_schema_input_type=Any)]
Params = dict[Identifier, Param]
Let = dict[Identifier, Number]


class BlockBody(Strict):
    """A block: a named, parameterised list of steps."""

    doc: str = Field("", description="what the block is, in a line")
    label: Identifier | None = Field(
        None,
        description="what a child of this block is called in weight names; its name unless given",
    )
    inline: bool = Field(
        False, description="adds no level of names: its steps stand in the caller's"
    )
    params: Params = Field(default_factory=dict)
    let: Let = Field(default_factory=dict)
    body: list[Step]  # type: ignore[valid-type]


class BlockFile(BlockBody):
    """A file that holds one block."""

    netspec: Literal[1] = LANGUAGE_VERSION
    block: Identifier


class InputModel(Strict):
    """What enters the network, for one example: channels, and the length of each spatial axis."""

    channels: Number
    size: Annotated[list[Number], Field(min_length=1, max_length=3)]


STAGE_KEYS = ("times", "name", "block", "block_name", "repeat", "stride", "stride_at")


class Stage(BaseModel):
    """A stage, or `times` stages that differ by `stage`: a block repeated, with its arguments."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True, frozen=True)

    times: Number | None = Field(None, description="makes this many stages, counted by `stage`")
    name: Name | None = Field(None, description="template of the stage's name; layer1, layer2, …")
    block: Identifier
    block_name: Name | None = Field(None, description="template of a block's name; 0, 1, …")
    repeat: Number = Field(default=1, validate_default=True, description="number of blocks")
    stride: Any = Field(None, description="stride of the stage; the other blocks get 1")
    stride_at: Literal["first", "last"] = Field("first", description="which block takes it")
    between: Steps = Field(default_factory=list, description="steps ahead of the first block")
    first: dict[Identifier, Any] = Field(
        default_factory=dict, description="the first block's arguments"
    )
    last: dict[Identifier, Any] = Field(
        default_factory=dict, description="the last block's arguments"
    )


def _defaults(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: {} if v is None else v for k, v in value.items()}
    return value


_default_fields: dict[str, Any] = {kind: (model | None, None) for kind, model in OP_MODELS.items()}
Defaults = Annotated[
    create_model(
        "Defaults",
        __base__=Strict,
        norm=(Step | None, None),
        act=(Step | None, None),
        **_default_fields,
    ),
    BeforeValidator(_defaults),
]


class SpecModel(Strict):
    """A network, or a family of networks."""

    netspec: Literal[1] = Field(description="version of the language")
    name: Identifier
    title: Identifier | None = Field(
        None, description="name of the generated class, such as ResNet"
    )
    doc: str = ""
    params: Params = Field(default_factory=dict)
    let: Let = Field(default_factory=dict)
    arguments: list[Identifier] = Field(
        default_factory=list, description="parameters that the generated function keeps"
    )
    default: Identifier | None = Field(None, description="the variant taken when none is asked for")
    variants: dict[Identifier, dict[Identifier, Any] | None] = Field(default_factory=dict)
    input: InputModel
    defaults: Defaults = Field(default_factory=dict, validate_default=True)  # type: ignore[valid-type]
    blocks: dict[Identifier, BlockBody] = Field(default_factory=dict)
    stem: Steps = Field(default_factory=list)
    stages: Annotated[list[Stage], BeforeValidator(lambda v: [v] if isinstance(v, dict) else v)] = (
        Field(default_factory=list)
    )
    head: Steps = Field(default_factory=list)
    outputs: dict[Identifier, Identifier] = Field(default_factory=dict)


for _model in (
    Residual,
    Body,
    Branches,
    Repeat,
    When,
    Step,
    BlockBody,
    BlockFile,
    Stage,
    SpecModel,
):
    _model.model_rebuild(force=True)

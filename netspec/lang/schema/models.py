"""The language as Pydantic models: what a spec and a block file may say, key by key.

The fields of every op's step come from the op's declaration (:mod:`netspec.ops`), so an attribute is
declared once (:mod:`netspec.lang.schema.attributes`). ``loc`` of a validation error is the place of the
value in the YAML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    create_model,
    model_validator,
)

from netspec.lang.schema.attributes import Attributes, Unread
from netspec.lang.schema.checkpoints import CheckpointModel as CheckpointModel
from netspec.lang.schema.checkpoints import TensorModel as TensorModel
from netspec.lang.schema.ends import INPUT_TAGS as INPUT_TAGS
from netspec.lang.schema.ends import Input as Input
from netspec.lang.schema.ends import InputModel as InputModel
from netspec.lang.schema.ends import Output as Output
from netspec.lang.schema.ends import OutputModel as OutputModel
from netspec.lang.schema.fields import Flag, Number, WholeNumber
from netspec.lang.schema.names import IDENTIFIER as IDENTIFIER
from netspec.lang.schema.names import DistinctNames, defined_as
from netspec.lang.schema.names import Identifier as Identifier
from netspec.lang.schema.names import Name as Name
from netspec.lang.schema.parameters import Param, Strict
from netspec.lang.schema.refusal import Refusal
from netspec.ops import OPS, attributes_of
from netspec.ops.words import COMBINATORS as COMBINATORS
from netspec.ops.words import META as META
from netspec.ops.words import ROLES

LANGUAGE_VERSION: Literal[1] = 1


def _step_mapping(value: Any) -> Any:
    """A bare word is a step without attributes; null is an empty mapping."""
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, dict):
        return {key: {} if v is None and key not in META else v for key, v in value.items()}
    return value


def _stray_key_help(actions: list[str]) -> str:
    """What to do about two keys of one step: an attribute goes inside, an action makes a step."""
    first, second = actions[:2]
    if first in OPS and second in attributes_of(OPS[first]):
        return f"`{second}` belongs inside `{first}`, as in `{first}: {{{second}: …}}`"
    return "put a `-` before each, so that they are two steps"


KNOWN_ACTIONS = frozenset({*OPS, *COMBINATORS})

Merge = Literal["add", "concat", "mul"]


class StepBase(Strict):
    __doc__ = (
        """One step: exactly one of an op, a combinator, or a block, role or slot by its name."""
    )

    model_config = ConfigDict(
        extra="allow", arbitrary_types_allowed=True, frozen=True, defer_build=True
    )
    __pydantic_extra__: dict[str, Attributes]

    name: Name | None = Field(None, description="name of the layer, block or sequence; a template")
    as_: Identifier | list[Identifier] | None = Field(
        None,
        alias="as",
        description="names this step's result, for later steps of the block; a list names several",
    )
    from_: Identifier | list[Identifier] | None = Field(
        None,
        alias="from",
        description="takes named results of earlier steps as input, instead of the step before",
    )
    merge: Merge | None = Field(
        None, description="how several inputs of `from` become one; `add` unless given"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        value = _step_mapping(value)
        if isinstance(value, dict):
            actions = [key for key in value if key not in META]
            if len(actions) > 1:
                raise Refusal(
                    "a step has one key besides `name`, `as`, `from` and `merge`; got "
                    + " and ".join(f"`{key}`" for key in actions[:4]),
                    "NS107",
                    _stray_key_help(actions),
                    at=(actions[1],),
                    on_key=True,
                )
            if not actions and "from" not in value:
                raise Refusal("a step needs an op, a combinator or a block", "NS107")
            taken = value.get("from")
            for key in ("from", "as"):
                if value.get(key) == []:
                    raise Refusal(f"`{key}` needs a name", at=(key,))
            if "merge" in value and not isinstance(taken, list):
                if "branches" in value:
                    message = "`merge` stands beside `branches`, and belongs inside it"
                    how = "write it among the paths: `branches: {…, merge: …}`"
                    raise Refusal(message, help=how, at=("merge",), on_key=True)
                message = "`merge` says how the names of a list behind `from` become one"
                raise Refusal(message, at=("merge",), on_key=True)
            for action in actions:
                arguments = value[action]
                if action not in KNOWN_ACTIONS and not isinstance(arguments, dict):
                    message = f"`{action}` takes its arguments as a mapping"
                    raise Refusal(message, at=(action,))
                if action in OPS:
                    value = {**value, action: Unread(action, arguments)}
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
    __doc__ = """`body(x) + shortcut(x)`; without a shortcut, x itself is added."""

    when: Flag | None = Field(
        None, description="a test; where it does not hold, the body alone is left"
    )
    body: StepList = Field(description="comes first in names, registration and random numbers")
    shortcut: Steps = Field(
        default=[], description="nothing unless given: the input itself is added"
    )


class Gate(Strict):
    __doc__ = """`x * body(x)`; the body gives the input's shape, or one value per channel."""

    body: StepList = Field(description="gives the factor")


class Concat(Strict):
    __doc__ = """`[x, body(x)]` along the channels."""

    body: StepList = Field(description="gives the channels behind the input's")


class Branches(BaseModel):
    __doc__ = """Two or more paths from one input, merged; every key but `merge` names a path."""

    model_config = ConfigDict(
        extra="allow", arbitrary_types_allowed=True, frozen=True, defer_build=True
    )
    __pydantic_extra__: dict[str, StepList]

    merge: Merge = Field("add", description="how the paths become one")


class Repeat(Strict):
    __doc__ = """The body, several times, one after another."""

    times: WholeNumber = Field(description="how many times")
    index: Identifier = Field("index", description="the name of the counter, which starts at 0")
    body: StepList = Field(description="sees the counter")


def _one_step_is_a_list(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


class When(Strict):
    __doc__ = """The steps of `then` where the test holds, those of `else` elsewhere; decided at compile time."""

    test: Flag = Field(description="true or false: a flag or a comparison")
    then: Steps = Field(default=[], description="where the test holds; nothing if left out")
    else_: Steps = Field(
        default=[], alias="else", description="where it does not; nothing if left out"
    )


COMBINATOR_TYPES: dict[str, Any] = {
    "residual": Residual,
    "gate": Gate,
    "concat": Concat,
    "branches": Branches,
    "repeat": Repeat,
    "when": When,
    "sequence": list["Step"],
}

_step_fields: dict[str, Any] = {
    **{
        kind: (annotation | None, Field(None, description=annotation.__doc__))
        for kind, annotation in COMBINATOR_TYPES.items()
        if kind != "sequence"
    },
    "sequence": (
        "list[Step] | None",
        Field(None, description="Steps in a row; with a `name`, under it and numbered from 0."),
    ),
}
if TYPE_CHECKING:
    Step = StepBase  # a checker cannot see fields that are made
else:
    Step = create_model("Step", __base__=StepBase, __module__=__name__, **_step_fields)
Steps = Annotated[list[Step], BeforeValidator(_one_step_is_a_list), defined_as("steps")]
StepList = Annotated[list[Step], defined_as("step_list")]
Role = Annotated[Step, defined_as("step")]

Params = dict[Identifier, Param]
Let = dict[Identifier, Number]


class BlockBody(Strict):
    __doc__ = """A block: a named, parameterised list of steps."""

    doc: str = Field("", description="what the block is, in a line")
    title: Identifier | None = Field(
        None, description="name of the generated class; the block's in CamelCase unless given"
    )
    label: Identifier | None = Field(
        None,
        description="what a child of this block is called in weight names; its name unless given",
    )
    inline: bool = Field(
        False, description="adds no level of names: its steps stand in the caller's"
    )
    inputs: DistinctNames | None = Field(
        None, description="names what it takes; the first flows in, steps take the others by `from`"
    )
    results: DistinctNames | None = Field(
        None, description="the named results, or inputs, that it gives; the first flows on"
    )
    params: Params = Field(default={}, description="parameters by name")
    let: Let = Field(default={}, description="derived values by name, each seeing those above it")
    body: StepList = Field(description="the steps, in order")


class BlockFile(BlockBody):
    __doc__ = """A file that holds one block."""

    netspec: Literal[1] = Field(LANGUAGE_VERSION, description="version of the language")
    block: Identifier = Field(description="the block's name, which is the file's too")


STAGE_KEYS = ("times", "name", "block", "block_name", "from", "repeat", "stride", "stride_at")
OF_STAGES = frozenset((*STAGE_KEYS, "between", "first", "last")) - {"stride"}
"""Keys of a stage, which no argument of its block can have."""


class Stage(BaseModel):
    __doc__ = """A stage, or `times` stages that differ by `stage`: a block repeated, with its arguments."""

    model_config = ConfigDict(
        extra="allow", arbitrary_types_allowed=True, frozen=True, defer_build=True
    )

    times: WholeNumber | None = Field(
        None, description="makes this many stages, counted by `stage`"
    )
    name: Name | None = Field(None, description="template of the stage's name; layer1, layer2, …")
    block: Identifier = Field(description="a parameter of type `block`, or a block")
    block_name: Name | None = Field(None, description="template of a block's name; 0, 1, …")
    from_: Identifier | Annotated[list[Identifier], Field(min_length=1)] | None = Field(
        None,
        alias="from",
        description="results that the first block takes instead of what flows in: of stem, stages, `between`",
    )
    repeat: WholeNumber = Field(default=1, validate_default=True, description="number of blocks")
    stride: Any = Field(
        None, description="goes to one block as its argument `stride`; the others get 1"
    )
    stride_at: Literal["first", "last"] = Field("first", description="which block gets `stride`")
    between: Steps = Field(default=[], description="steps ahead of the first block")
    first: dict[Identifier, Any] = Field(
        default={},
        description="arguments of the first block alone; `block` exchanges the block",
    )
    last: dict[Identifier, Any] = Field(
        default={}, description="the same for the last block, on top of `first`"
    )


class DefaultsModel(BaseModel):
    __doc__ = (
        """The roles, which any step may stand for, and under the name of an op its attributes."""
    )

    model_config = ConfigDict(
        extra="allow", arbitrary_types_allowed=True, frozen=True, defer_build=True
    )
    __pydantic_extra__: dict[str, Attributes]

    norm: Role | None = Field(None, description="the step that `norm` stands for")
    act: Role | None = Field(None, description="the step that `act` stands for")


def _defaults(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    given = {key: {} if inner is None else inner for key, inner in value.items()}
    return {key: v if key in ROLES else Unread(key, v) for key, v in given.items()}


Defaults = Annotated[DefaultsModel, BeforeValidator(_defaults), defined_as("defaults")]


class SpecModel(Strict):
    __doc__ = """A network, or a family of networks."""

    netspec: Literal[1] = Field(description="version of the language")
    name: Identifier = Field(description="name of the network or family")
    title: Identifier | None = Field(
        None, description="name of the generated class, such as ResNet"
    )
    doc: str = Field("", description="what the network is, and where it comes from")
    params: Params = Field(default={}, description="parameters by name")
    let: Let = Field(default={}, description="derived values by name, each seeing those above it")
    arguments: list[Identifier] = Field(
        default=[], description="parameters that the generated function keeps"
    )
    default: Identifier | None = Field(None, description="the variant taken when none is asked for")
    variants: dict[Identifier, dict[Identifier, Any] | None] = Field(
        default={}, description="members of the family: values of parameters, by name"
    )
    input: Input = Field(
        description="what enters the network; several by name, the first of which enters the stem"
    )
    defaults: Defaults = Field(
        default={},
        validate_default=True,
        description="attributes of ops that steps leave open, and the roles `norm` and `act`",
    )
    blocks: dict[Identifier, Annotated[BlockBody, defined_as("block")]] = Field(
        default={}, description="the spec's own blocks by name"
    )
    stem: Steps = Field(default=[], description="steps ahead of the stages")
    stages: Annotated[list[Stage], BeforeValidator(lambda v: [v] if isinstance(v, dict) else v)] = (
        Field(default=[], description="rows of blocks; a single one needs no list")
    )
    head: Steps = Field(default=[], description="steps behind the stages")
    outputs: dict[Identifier, Output] = Field(
        default={},
        description="results that models return by name: a stage, a named result, or `output`, the head's",
    )
    checkpoints: dict[Identifier, Annotated[CheckpointModel, defined_as("checkpoint")]] = Field(
        default={}, description="published weights by a name for them"
    )

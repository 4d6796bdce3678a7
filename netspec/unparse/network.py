"""A whole program as a spec: its blocks, and its stem, stages and head in one scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.elaborate.outputs import OWN
from netspec.ir import Program, Value
from netspec.ir.template import Templates
from netspec.lang.schema.models import LANGUAGE_VERSION
from netspec.unparse.attributes import Defaults
from netspec.unparse.blocks import PrintedBlock, block_names, declared, settle_labels, settled
from netspec.unparse.body import Body, places
from netspec.unparse.document import Braces, Brackets
from netspec.unparse.layout import written
from netspec.unparse.numbers import Numbers
from netspec.unparse.parts import Parts
from netspec.unparse.stages import Stages
from netspec.unparse.steps import every
from netspec.unparse.wiring import Wiring

NOTHING = {"sequence": Brackets()}
"""The step of a network that gives what it takes."""


class PrintedNetwork:
    """A program as a spec.

    Args:
        program: the program.
        templates: its templates.
        docs: what its kept parameters are for.
    """

    def __init__(self, program: Program, templates: Templates, docs: Mapping[str, str]) -> None:
        self._program = program
        self._docs = docs
        self._template = template = templates.network
        whole = (*templates.blocks, template)
        self._defaults = Defaults(place for each in whole for place in places(each))
        self._blocks: dict[int, PrintedBlock] = {}
        names = block_names(templates.blocks, program.main.arguments)
        for name, each in zip(names, templates.blocks, strict=True):
            self._blocks[id(each)] = PrintedBlock(name, each, self._defaults, self._blocks)
        self._numbers = Numbers(program.arguments)
        body = Body(template, self._defaults, self._blocks, self._numbers)
        self._stages = Stages(program, self._numbers)
        self._parts = Parts(program, template, body, self._blocks, self._stages)
        settle_labels(self._blocks.values(), body.calls)
        for block in self._blocks.values():
            block.settle()
        self._outputs = self._settle()

    def _settle(self) -> dict[str, Any]:
        """Name and wire the steps of the network itself; what it gives, by name."""
        parts, template = self._parts, self._template
        end, outputs = template.body.result, template.outputs
        rows = [parts.stem, *(stage.between for stage in parts.stages), parts.head]
        parts.stem, *between, parts.head = settled(rows, [*outputs.values(), end], [0])
        names = self._program.input_names
        inputs = {v.id: n for v, n in zip(template.entering, names, strict=bool(names))}
        inputs |= {id: path for id, path in parts.results.items() if path.isidentifier()}
        names_of_takes: dict[int, str] = {}
        for stage, row in zip(parts.stages, between, strict=True):
            stage.between = row
            if row:
                wiring = Wiring(template.names, inputs)
                wiring.wire(row, stage.source, stage.entering)
                made = {value.id for step in every(row) for value in step.gives}
                for value in stage.takes:
                    if value.id in made:
                        wiring.need(value)
                wiring.settle((row, stage.source))
                names_of_takes |= {v.id: wiring.name_of(v.id) for v in stage.takes if v.id in made}
        wiring = Wiring(template.names, inputs)
        flowing = wiring.wire(
            parts.stem, template.source, parts.stages[0].source if parts.stages else None
        )
        if parts.stages:
            flowing = parts.stages[-1].gives[0]
        takes = [v for stage in parts.stages for v in stage.takes if v.id not in names_of_takes]
        for value in takes:
            wiring.need(value)
        wiring.wire(parts.head, flowing, end)
        for value in outputs.values():
            if value.id not in (end.id, *parts.results):
                wiring.need(value)
        wiring.settle((parts.stem, template.source), (parts.head, flowing))
        names_of_takes |= {value.id: wiring.name_of(value.id) for value in takes}
        for stage in parts.stages:
            stage.origins = [names_of_takes[value.id] for value in stage.takes]
        return {
            name: self._output(name, value, wiring)
            for name, value in outputs.items()
            if name != OWN
        }

    def _output(self, name: str, value: Value, wiring: Wiring) -> Any:
        if value.id == self._template.body.result.id:
            result = OWN
        else:
            result = self._parts.results.get(value.id) or wiring.name_of(value.id)
        if name in self._program.training_only:
            return Braces({"from": result, "when": "training"})
        return result

    def data(self) -> dict[str, Any]:
        """The spec as plain values."""
        program = self._program
        stages = self._stages.written(self._parts.stages)
        is_one = len(stages) == 1 and not isinstance(stages[0], Braces)
        found: dict[str, Any] = {
            "netspec": LANGUAGE_VERSION,
            "name": program.name,
            "title": program.title if program.title != _title(program.name) else None,
            "doc": program.doc,
            "params": {name: self._param(name) for name in program.arguments},
            "arguments": Brackets(program.arguments),
            "default": program.variant,
            "variants": {program.variant: Braces()} if program.variant else None,
            "input": self._input(),
            "defaults": self._defaults.written(),
            "blocks": {block.name: block.data() for block in self._blocks.values()},
            "stem": written(self._parts.stem),
            "stages": stages[0] if is_one else stages,
            "head": written(self._parts.head),
            "outputs": self._outputs,
        }
        if not any(found[part] for part in ("stem", "stages", "head")):
            found["stem"] = [NOTHING]
        return {key: value for key, value in found.items() if value}

    def _param(self, name: str) -> Any:
        value = self._program.arguments[name]
        kind = "int" if isinstance(value, int) else "float"
        return declared(value, kind, self._docs.get(name, ""))

    def _input(self) -> dict[str, Any]:
        inputs = [
            Braces(
                channels=self._numbers.write(value.type.channels),
                size=self._numbers.write(value.type.size),
            )
            for value in self._template.entering
        ]
        names = [*self._program.input_names]
        return dict(zip(names, inputs, strict=True)) if names else inputs[0]


def _title(name: str) -> str:
    """What a network is called that has no title."""
    return "".join(part.capitalize() for part in name.split("_"))

"""How passes run: each is verified, they go on until nothing changes, and recipes become one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from netspec.errors import InternalError, UsageError
from netspec.ir import Node, Program, Value
from netspec.ir.passes import base, optimize
from netspec.ir.passes.base import Outcome, Pass
from netspec.ir.passes.fold_batch_norm import FoldBatchNorm
from netspec.ir.passes.merge_branches import MergeBranches
from netspec.ir.passes.merge_scales import MergeScales
from netspec.ir.passes.recipes import Recipe, composed, move
from netspec.ir.passes.remove_dead import RemoveDead
from netspec.ir.passes.remove_dropout import RemoveDropout
from netspec.ir.rewrite import Replacement, rewrite, with_op
from netspec.ops.convolution import Conv
from netspec.ops.normalization import BatchNorm
from tests.support.networks import network_of, random_weights

STEPS = "conv: {out: 8, kernel: 3, bias: false}\nbatch_norm\ndropout\nrelu"


def network() -> Program:
    return network_of(STEPS, (6, 9))


class Broken(Pass):
    """A pass that does what a function says."""

    name = "broken"

    def __init__(self, run: Callable[[Program], Outcome]) -> None:
        self._run = run

    def run(self, program: Program) -> Outcome:
        return self._run(program)


def without_norm(program: Program) -> Program:
    """The norm gone, the bias there, and nothing that says what its values are."""

    def change(node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
        match node.op:
            case BatchNorm():
                return Replacement((), inputs)
            case Conv():
                return with_op(node, replace(node.op, bias=True), inputs)
        return replace(node, inputs=inputs)

    return rewrite(program, change)


def wider(program: Program) -> Program:
    """A convolution with more channels than its type says."""

    def change(node: Node, inputs: tuple[Value, ...]) -> Node:
        op = replace(node.op, out=9) if isinstance(node.op, Conv) else node.op
        return replace(node, op=op, inputs=inputs)

    return rewrite(program, change)


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        (lambda p: Outcome(wider(p)), "`conv1` gives 8×6×9, and its op 9×6×9"),
        (lambda p: Outcome(without_norm(p)), "nothing says what `conv1.bias` is made of"),
        (
            lambda p: Outcome(
                without_norm(p), {"conv1.bias": Recipe(("conv1.offset",), lambda t: t["x"])}
            ),
            "`conv1.bias` is made of `conv1.offset`, which there is not",
        ),
        (
            lambda p: Outcome(p, {"conv9.bias": Recipe(("conv1.weight",), lambda t: t["x"])}),
            "`conv9.bias` is made, and no layer has it",
        ),
    ],
)
def test_a_broken_pass_is_named(run: Callable[[Program], Outcome], problem: str) -> None:
    with pytest.raises(InternalError, match="after the pass `broken`: ") as error:
        base.run_passes(network(), [Broken(run)], "inference")
    assert str(error.value).endswith(problem)


@pytest.mark.parametrize("each", [RemoveDropout(), FoldBatchNorm(), RemoveDead()])
def test_a_pass_that_leaves_what_it_promises_to_remove_is_found(
    each: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = "outputs: {aux: {from: d, when: training}, main: output}\n"
    steps = STEPS.replace("dropout", "{dropout: {}, as: d}")
    program = network_of(steps, (6, 9), more=more)
    if isinstance(each, FoldBatchNorm):
        program = RemoveDropout().run(program).program
    if isinstance(each, RemoveDead):
        program = replace(program, outputs={"aux": program.outputs["aux"]})
    monkeypatch.setattr(type(each), "run", lambda self, program: Outcome(program))
    with pytest.raises(InternalError, match=f"after the pass `{each.name}`"):
        base.apply(each, program)


@pytest.mark.parametrize("each", [FoldBatchNorm(), MergeScales(), MergeBranches()])
def test_a_pass_that_comes_too_early_is_refused(each: Pass) -> None:
    with pytest.raises(InternalError, match=f"before the pass `{each.name}`: `dropout` drops"):
        base.apply(each, network())


def test_values_of_a_broken_recipe_are_not_those_of_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What no verifier sees, the comparison with the network as it was does."""
    from netspec.ir.passes import fold
    from tests.support import optimizing

    def wrong(node: Node, affine: object) -> object:
        op, recipes = behind(node, affine)  # type: ignore[arg-type]
        return op, {**recipes, f"{node.path}.weight": Recipe((f"{node.path}.weight",), _same(node))}

    behind = fold.behind
    monkeypatch.setattr(fold, "behind", wrong)
    with pytest.raises(AssertionError):
        optimizing.checked(network())


def _same(node: Node) -> Callable[..., np.ndarray]:
    return lambda tensors: tensors[f"{node.path}.weight"]


def test_passes_go_on_until_nothing_changes_and_then_change_nothing() -> None:
    steps = (
        "branches: {merge: add, a: [{conv: {out: 6, kernel: 3}}, batch_norm], b: [{conv: {out: 6, kernel: 1}}]}\n"
        "dropout\nbatch_norm\nresidual: {body: [{conv: {out: 6, kernel: 1}}]}\nscale"
    )
    found = optimize(network_of(steps, (6, 9)), "inference")
    assert [node.path for node in found.program.nodes] == ["conv1", "conv3"]
    again = optimize(found.program, "inference")
    assert again.program is found.program
    assert again.recipes == {}
    assert again.notes == ()


def test_the_original_is_left_as_it_was() -> None:
    program = network()
    before = [str(node) for node in program.nodes]
    found = optimize(program, "inference")
    assert found.original is program
    assert [str(node) for node in program.nodes] == before


def test_recipes_in_a_row_are_one_and_round_once() -> None:
    third = {"b": Recipe(("b", "c"), lambda t: t["b"] / 3 + t["c"])}
    back = {"b": Recipe(("b",), lambda t: t["b"] * 3), "d": Recipe(("b", "a"), lambda t: t["a"])}
    both = composed(third, back)
    assert both["b"].taken == ("b", "c")
    assert both["d"].taken == ("b", "c", "a")
    tensors = {"a": np.array(5.0), "b": np.array(7.0), "c": np.array(0.0)}
    assert both["b"].make(tensors) == 7.0 / 3 * 3
    assert both["d"].make(tensors) == 5.0


def test_what_changes_has_the_dtype_of_its_layer_and_what_does_not_is_the_same_object() -> None:
    program = network_of(STEPS + "\nconv: {out: 4, kernel: 1}", (6, 9))
    found = optimize(program, "inference")
    weights = {name: w.astype("float32") for name, w in random_weights(program).items()}
    weights["conv1.weight"] = weights["conv1.weight"].astype("float16")
    after = move(found.program, found.recipes, weights)
    assert after["conv1.weight"].dtype == after["conv1.bias"].dtype == "float16"
    assert after["conv2.weight"] is weights["conv2.weight"]


def test_another_goal_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean `inference`"):
        optimize(network(), "inferense")

"""Ways of the language to wire and name steps: live models and generated source give the same."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from netspec.api import loads
from netspec.backends.base import get_backend
from netspec.lang.expression.formula import negated, print_node
from tests.support.generated import build_generated, style_problems
from tests.support.networks import input_of, random_weights

HEAD = "netspec: 1\nname: n\ninput: {channels: 4, size: [8, 9]}\n"
WRAPPER = "params: {s: steps}, body: [{residual: {body: [s]}}]"

TEXTS = {
    "a result named in each iteration": (
        "blocks:\n"
        "  b:\n"
        "    params: {w: int}\n"
        "    body:\n"
        "    - conv: {out: w, kernel: 1}\n"
        "    - repeat:\n"
        "        times: 2\n"
        "        body: [{relu: {}, as: a}, {conv: {out: w, kernel: 3}, as: c}, {from: [a, c]}]\n"
        "stem: [{b: {w: 4}}, {b: {w: 6}}]\n"
    ),
    "a result named in both branches": (
        "blocks:\n"
        "  b:\n"
        "    params: {f: bool, w: 4}\n"
        "    body:\n"
        "    - when:\n"
        "        test: f\n"
        "        then: [{conv: {out: w, kernel: 1}, as: a}]\n"
        "        else: [{conv: {out: w, kernel: 3}, as: a}]\n"
        "    - {relu: {}, as: c}\n"
        "    - from: [a, c]\n"
        "stem: [{b: {f: true}}, {b: {f: false, w: 5}}]\n"
    ),
    "a result called as the generator calls what is beside a body": (
        "blocks:\n"
        "  b:\n"
        "    params: {w: int, shortcut: 1}\n"
        "    body:\n"
        "    - {conv: {out: w, kernel: shortcut}, as: shortcut}\n"
        "    - residual:\n"
        "        body: [{conv: {out: w, kernel: 3}}]\n"
        "        shortcut: [{conv: {out: w, kernel: 1}}, relu]\n"
        "      as: summed\n"
        "    - from: [summed, shortcut]\n"
        "stem: [{b: {w: 4}}, {b: {w: 6, shortcut: 3}}]\n"
    ),
    "a named result that is needed behind what some blocks do to it": (
        "blocks:\n"
        "  b:\n"
        "    params: {f: bool, w: 4}\n"
        "    body:\n"
        "    - {conv: {out: w, kernel: 1}, as: a}\n"
        "    - when: {test: f, then: [relu]}\n"
        "    - {conv: {out: w, kernel: 3}, as: c}\n"
        "    - from: [a, c]\n"
        "stem: [{b: {f: true}}, {b: {f: false, w: 5}}]\n"
    ),
    "a name on repeat": (
        "stem: [{repeat: {times: 2, body: [relu, {conv: {out: 4, kernel: 1}}]}, name: chain}]\n"
    ),
    "a name on when": (
        "blocks:\n"
        "  b:\n"
        "    params: {f: bool, w: 4}\n"
        "    body:\n"
        "    - when: {test: f, then: [relu, {conv: {out: w, kernel: 1}}], else: [tanh]}\n"
        "      name: chain\n"
        "    - conv: {out: w, kernel: 1}\n"
        "stem: [{b: {f: true}}, {b: {f: false, w: 5}}]\n"
    ),
    "a name on a slot that may be empty": (
        "blocks:\n"
        "  b: {params: {s: steps, w: 4}, body: [{conv: {out: w, kernel: 1}}, {s: {}, name: tail}]}\n"
        "stem: [{b: {s: [relu, tanh]}}, {b: {s: [], w: 5}}]\n"
    ),
    "a name on what is merged": "stem: [{relu: {}, as: a}, {tanh: {}, as: b}, {from: [a, b], name: j}]\n",
    "a block inside another use of itself": (
        f"blocks: {{w: {{{WRAPPER}}}}}\n"
        "stem: [{w: {s: [{w: {s: [relu, {conv: {out: 4, kernel: 3}}]}}]}}, {w: {s: [tanh]}}]\n"
    ),
    "two blocks inside each other": (
        f"blocks: {{w: {{{WRAPPER}}}, v: {{{WRAPPER}}}}}\n"
        "stem: [{w: {s: [{v: {s: [sigmoid]}}]}}, {v: {s: [{w: {s: [tanh]}}]}}]\n"
    ),
    "a residual that some blocks have": (
        "blocks:\n"
        "  b:\n"
        "    params: {w: int, skip: false}\n"
        "    body:\n"
        "    - when:\n"
        "        test: skip\n"
        "        then:\n"
        "        - residual:\n"
        "            body: [{conv: {out: w, kernel: 3}}, relu, {conv: {out: w, kernel: 1}}]\n"
        "        else: [{conv: {out: w, kernel: 3}}, relu, {conv: {out: w, kernel: 1}}]\n"
        "stem: [{b: {w: 6}}, {b: {w: 6, skip: true}}]\n"
    ),
    "an operand that counts in some instances": (
        "blocks:\n"
        "  b:\n"
        "    params: {w: int}\n"
        "    body:\n"
        "    - when: {test: w != 4 and 20 // (w - 4) > 5, then: [{conv: {out: w, kernel: 1}}]}\n"
        "    - relu\n"
        "stem: [{b: {w: 4}}, {b: {w: 6}}, {b: {w: 14}}]\n"
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_all_four_models_are_one_network(name: str) -> None:
    compiled = loads(HEAD + TEXTS[name])
    weights = random_weights(compiled.network)
    x = input_of(compiled.network).astype(np.float32)
    found = []
    for backend in ("torch", "keras"):
        for model in (compiled.build(backend), build_generated(compiled, backend)):
            get_backend(backend).write_weights(model, compiled.network, weights)
            found.append(get_backend(backend).run(model, x)["output"])
    for output in found[1:]:
        np.testing.assert_allclose(output, found[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_a_branch_may_be_called_shortcut(backend: str) -> None:
    branches = "{shortcut: [{conv: {out: 4, kernel: 1}}], body: [{conv: {out: 4, kernel: 3}}]}"
    source = loads(f"{HEAD}stem: [{{branches: {branches}}}]\n").generate(backend)
    assert "shortcut = " in source
    assert "shortcut_" not in source


def test_their_source_is_formatted() -> None:
    sources = {
        f"{number}_{backend}": loads(HEAD + text).generate(backend)
        for number, text in enumerate(TEXTS.values())
        for backend in ("torch", "keras")
    }
    assert style_problems(sources) == ""


@pytest.mark.parametrize(
    ("condition", "opposite"),
    [
        ("self.a is None", "self.a is not None"),
        ("self.a is not None", "self.a is None"),
        ("flag", "not flag"),
        ("width % 8 == 0", "width % 8 != 0"),
        ("stride != 1", "stride == 1"),
        ("stride > 1", "not stride > 1"),
        ("not flag", "flag"),
        ("a == 1 or flag", "not (a == 1 or flag)"),
        ("a == 1 and b == 2", "not (a == 1 and b == 2)"),
        ("a or self.b is None", "not (a or self.b is None)"),
    ],
)
def test_opposites(condition: str, opposite: str) -> None:
    node = ast.parse(condition, mode="eval").body
    assert print_node(negated(node)) == opposite


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ("keep: []\n      work: [relu, {WORK}]", ["y = self.relu(x)", "x = x + self.conv1(y)"]),
        (
            "work: [relu, {WORK}]\n      keep: []",
            ["branch = self.relu(x)", "branch = self.conv1(branch)", "x = branch + x"],
        ),
    ],
)
def test_a_path_beside_the_main_line_has_no_name_of_its_own(
    paths: str, expected: list[str]
) -> None:
    """Where the path that does nothing comes first, the other reads as a residual's body does."""
    steps = paths.replace("{WORK}", "{conv: {out: 4, kernel: 3}}")
    source = loads(f"{HEAD}stem:\n  - branches:\n      {steps}\n      merge: add\n").generate(
        "torch"
    )
    body = source[source.index("def forward") :].splitlines()[1 : len(expected) + 1]
    assert [line.strip() for line in body] == expected


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_both_sides_of_a_residual_stand_once(backend: str) -> None:
    source = loads(HEAD + TEXTS["a residual that some blocks have"]).generate(backend)
    assert source.count("self.conv1(" if backend == "torch" else '_conv1"') == 1

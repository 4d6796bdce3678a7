"""Layers that are made alike are said once: code before, code after."""

from __future__ import annotations

import ast
import textwrap

import pytest

from netspec.backends.keras.passes import rewrite
from netspec.codegen.identifiers import Namespace
from netspec.codegen.layout import lay_out
from netspec.lang.expression.formula import Rewriter


class Made(Rewriter):
    """Code as the generator makes it, which notes nowhere whether a name is read or written."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        fields = [(name, value) for name, value in ast.iter_fields(node) if name != "ctx"]
        return type(node)(**{name: self._field(value) for name, value in fields})


def rewritten(text: str, *taken: str) -> str:
    """The functions of ``text`` after all passes, laid out."""
    definitions = [*map(Made().visit, ast.parse(textwrap.dedent(text)).body)]
    found = rewrite(definitions, Namespace({*taken}))
    return "\n".join(lay_out([definition]) for definition in found)


def dedented(text: str) -> str:
    return textwrap.dedent(text).strip()


BLOCK = """
    def block(x, width, stride=1, *, name):
        if stride == 1:
            y = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"{name}_a")(x)
        else:
            y = layers.ZeroPadding2D(1, name=f"{name}_a_pad")(x)
            y = layers.Conv2D(width, 3, strides=stride, use_bias=False, name=f"{name}_a")(y)
        y = layers.Conv2D(width, 1, strides=stride, use_bias=False, name=f"{name}_b")(y)
        return layers.Conv2D(width, 5, padding="same", use_bias=False, name=f"{name}_c")(y)
"""
CONV = '''
    def conv(
        x: KerasTensor, filters: int, kernel_size: int, strides: int = 1, *, name: str
    ) -> KerasTensor:
        """A convolution without bias, padded by half its kernel on either side."""
        padding = "same"
        if strides > 1 and kernel_size > 1:
            x = layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
            padding = "valid"
        return layers.Conv2D(
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            use_bias=False,
            name=name,
        )(x)
'''


def test_a_convolution_and_its_padding_are_one_function() -> None:
    after = CONV + (
        """
    def block(x, width, stride=1, *, name):
        y = conv(x, width, 3, stride, name=f"{name}_a")
        y = conv(y, width, 1, stride, name=f"{name}_b")
        return conv(y, width, 5, name=f"{name}_c")
    """
    ).lstrip("\n")
    assert rewritten(BLOCK) == dedented(after)


def test_the_test_may_stand_the_other_way_round() -> None:
    then, other = BLOCK.split("        else:\n")
    head, then = then.split("        if stride == 1:\n")
    padded, rest = other.split("        y = layers.Conv2D(width, 1")
    turned = (
        f"{head}        if stride != 1:\n{padded}        else:\n{then}"
        f"        y = layers.Conv2D(width, 1{rest}"
    )
    assert turned != BLOCK
    assert rewritten(turned) == rewritten(BLOCK)


def test_names_that_the_file_has_are_left_alone() -> None:
    assert "def conv2(" in rewritten(BLOCK, "conv")
    assert "def conv2(" in rewritten(BLOCK.replace("stride=1", "conv=1"))
    own = BLOCK.replace("y = ", "conv = ").replace("(y)", "(conv)")
    assert "conv = conv2(x, width, 3, stride, " in rewritten(own)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('f"{name}_a_pad"', 'f"{name}_pad"'),  # a layer of another name
        ("ZeroPadding2D(1,", "ZeroPadding2D(2,"),  # another amount
        ("ZeroPadding2D(1,", "ZeroPadding2D((1, 2),"),
        (
            'strides=stride, use_bias=False, name=f"{name}_a")',
            'strides=2, use_bias=False, name=f"{name}_a")',
        ),
        ("width, 3, padding", "width, 5, padding"),  # two kernels
        ('"same", use_bias=False, name=f"{name}_a")(x)', '"same", name=f"{name}_a")(x)'),
        ('name=f"{name}_a")(y)', 'name=f"{name}_a")(x)'),  # past the padding
        ("stride == 1", "stride == 2"),
    ],
)
def test_two_layers_that_differ_otherwise_stay_two(before: str, after: str) -> None:
    assert before in BLOCK
    found = rewritten(BLOCK.replace(before, after, 1))
    assert "    if stride" in found.split("def block")[1]


def test_numbers_that_blocks_are_given_stay_arguments() -> None:
    before = """
        def block(x, kernel, epsilon, spread, *, name):
            if stride == 1:
                x = layers.DepthwiseConv2D(
                    kernel,
                    padding="same",
                    depthwise_initializer=initializers.RandomNormal(stddev=spread),
                    name=f"{name}_a",
                )(x)
            else:
                x = layers.ZeroPadding2D((kernel - 1) // 2, name=f"{name}_a_pad")(x)
                x = layers.DepthwiseConv2D(
                    kernel,
                    strides=stride,
                    depthwise_initializer=initializers.RandomNormal(stddev=spread),
                    name=f"{name}_a",
                )(x)
            x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"{name}_b")(x)
            x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"{name}_c")(x)
            return layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"{name}_d")(x)
    """
    found = rewritten(before)
    function, block = found.split("def block")
    assert not {"spread", "stride", "kernel"} & {
        node.id for node in ast.walk(ast.parse(function)) if isinstance(node, ast.Name)
    }
    assert "depthwise_initializer: initializers.Initializer,\n    name: str" in function
    assert "(kernel_size - 1) // 2" in function
    halved = rewritten(before.replace("(kernel - 1) // 2", "kernel // 2"))
    assert halved == found.replace("(kernel_size - 1) // 2", "kernel_size // 2")
    assert "def batch_norm(x: KerasTensor, *, epsilon: float, name: str)" in function
    assert block.count("batch_norm(x, epsilon=epsilon, ") == 3


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        ("BatchNormalization(epsilon=1.001e-5, ", "batch_norm"),
        ("Dense(8, kernel_initializer=initializers.RandomNormal(stddev=0.01), ", "dense"),
        ("ReLU(max_value=6.0, ", None),
        ("BatchNormalization(", None),
    ],
)
def test_one_setting_is_said_once_where_it_says_much(layer: str, function: str | None) -> None:
    lines = (f'    x = layers.{layer}name="{name}")(x)\n' for name in "abc")
    before = "def net(x):\n" + "".join(lines)
    found = rewritten(before)
    assert found.count(f"layers.{layer.split('(')[0]}(") == (3 if function is None else 1)
    if function is not None:
        assert f"def {function}(x: KerasTensor, *, name: str) -> KerasTensor:" in found


def test_a_function_has_as_default_what_most_layers_are_given() -> None:
    norm = "layers.BatchNormalization(momentum=0.9, epsilon=1e-5{}, name='{}')"
    given = (', gamma_initializer="zeros"', ', gamma_initializer="zeros"', "")
    lines = (f"    x = {norm.format(*each)}(x)\n" for each in zip(given, "abc", strict=True))
    found = rewritten("def net(x):\n" + "".join(lines))
    assert 'gamma_initializer: str = "zeros"' in found
    assert found.split("def net")[1].count("gamma_initializer") == 1
    assert 'x = batch_norm(x, gamma_initializer="ones", name="c")' in found


def test_a_function_says_whether_all_layers_of_its_kind_go_by_it() -> None:
    lines = [
        f'    x = layers.BatchNormalization(momentum={m}, epsilon=1e-5, name="{name}")(x)\n'
        for name, m in (("a", 0.9), ("b", 0.9), ("c", 0.9), ("d", "1 - momentum"))
    ]
    found = rewritten("def net(x, momentum):\n" + "".join(lines))
    assert "Batch normalization with the settings used most." in found
    assert "momentum=1 - momentum" in found.split("def net")[1]


def test_most_layers_say_what_is_common_and_the_others_say_more() -> None:
    norm = 'layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="{}")'
    zero = norm.replace("name", 'gamma_initializer="zeros", name')
    lines = [norm.format("a"), norm.format("b"), zero.format("c"), norm.format("d")]
    before = "def net(x):\n" + "".join(f"    x = {line}(x)\n" for line in lines)
    after = '''
        def batch_norm(
            x: KerasTensor, *, gamma_initializer: str = "ones", name: str
        ) -> KerasTensor:
            """Batch normalization with the settings used throughout."""
            return layers.BatchNormalization(
                gamma_initializer=gamma_initializer, momentum=0.9, epsilon=1e-5, name=name
            )(x)
        def net(x):
            x = batch_norm(x, name="a")
            x = batch_norm(x, name="b")
            x = batch_norm(x, gamma_initializer="zeros", name="c")
            x = batch_norm(x, name="d")
    '''
    assert rewritten(before) == dedented(after)


def test_keras_own_same_is_a_rule_of_its_own() -> None:
    made = 'layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="{}")'
    before = "def net(x):\n" + "".join(f"    x = {made.format(n)}(x)\n" for n in "abc")
    after = '''
        def conv(x: KerasTensor, strides: int = 1, *, name: str) -> KerasTensor:
            """A convolution without bias."""
            return layers.Conv2D(
                8, 3, strides=strides, padding="same", use_bias=False, name=name
            )(x)
        def net(x):
            x = conv(x, 2, name="a")
            x = conv(x, 2, name="b")
            x = conv(x, 2, name="c")
    '''
    assert rewritten(before) == dedented(after)


def test_a_grouped_convolution_keeps_its_function() -> None:
    made = 'layers.Conv2D(8, 3, padding="same", groups={}, use_bias=False, name="{}")'
    lines = [
        made.format(1, "a").replace("groups=1, ", ""),
        made.format(2, "b"),
        made.format(4, "c"),
    ]
    lines = [lines[0], *(f"by_groups({line})" for line in lines[1:])]
    found = rewritten("def net(x):\n" + "".join(f"    x = {line}(x)\n" for line in lines))
    assert "groups: int = 1" in found
    assert "return by_groups(" in found
    assert 'x = conv(x, groups=4, name="c")' in found


@pytest.mark.parametrize("count", [1, 2])
def test_few_layers_are_left_as_they_are(count: int) -> None:
    line = '    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="a")(x)\n'
    before = "def net(x):\n" + count * line
    assert rewritten(before) == before.strip()


def test_initialisers_that_occur_twice_are_functions() -> None:
    made = 'initializers.VarianceScaling(scale=2.0, mode="fan_in", distribution="uniform")'
    other = "initializers.RandomNormal(stddev=spread)"
    before = f"def net(x, spread):\n    return f({made}, {made}, {other}, {other})\n"
    after = f'''
        def he_uniform_fan_in() -> initializers.Initializer:
            """A new initializer for each layer: one that is shared would give equal weights."""
            return {made}
        def net(x, spread):
            return f(
                he_uniform_fan_in(),
                he_uniform_fan_in(),
                {other},
                {other},
            )
    '''
    found = rewritten(before)
    assert ast.dump(ast.parse(found)) == ast.dump(ast.parse(dedented(after)))

"""A spec is data: no text in it becomes code, in the compiler or in generated source.

Texts that may hold anything (docs, values of text parameters) are put through every place that takes
one; the source must be what a harmless text gives, but for the text of docstrings. Names that mean
something to Python or to a framework are refused with a diagnostic, or give source that works.
"""

from __future__ import annotations

import ast
import builtins
import keyword

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import netspec
from netspec.api import CompiledNetwork
from netspec.codegen.identifiers import safe_identifier
from netspec.errors import NetspecError, UsageError
from tests.support.generated import IMPORTS, import_source, imported_modules, style_problems

BACKENDS = ("torch", "keras")

CODE = "__import__('os').system('false')"
TEXTS = [
    '"',
    "'",
    '"""',
    "'''",
    '\\"""',
    "\\",
    "ends with a backslash \\",
    'ends with a quote"',
    f'"""\n{CODE}\n"""',
    f'""" + {CODE} + """',
    f"'''\n{CODE}\n'''",
    f"\n{CODE}\n",
    f"\n    {CODE}",
    f"# {CODE}\r{CODE}",
    f"{CODE} \u2028 {CODE} \u2029 {CODE} \x85 {CODE} \x0c {CODE} \x1c {CODE}",
    "\\N{BULLET} \\x41 \\u0041 \\101 \\n",
    "{{ 7 * 7 }} {% raw %} {% endraw %} {# gone #}",
    "{% for a in b %}{% include 'x' %}{{ self.__init__.__globals__ }}",
    "{name} {name!r} {0} {} %s %(name)s $name ${name}",
    "{" + CODE + "}",
    "\u202e reversed \u200b unseen \ufeff",
    "long " * 400,
    "a_word_without_a_space" * 40,
    " leading and trailing ",
    "\t\ttabs",
    "Ünïcödé ✓ 🙂",
]

SPEC = """
netspec: 1
name: harmless
title: Harmless
params:
  width: {type: int, default: 4, doc: DOC}
  note: {type: str, default: plain, doc: DOC}
  classes: 3
arguments: [classes]
variants:
  harmless_a: {}
  harmless_b: {width: 8}
default: harmless_a
doc: DOC
input: {channels: 3, size: [8, 10]}
blocks:
  cell:
    doc: DOC
    params:
      width: {type: int, doc: DOC}
      text: {type: str, default: plain}
      extra: {type: steps, default: [relu]}
    body:
      - residual:
          body: [{conv: {out: width, kernel: 3}}, norm, extra]
          shortcut: [{conv: {out: width, kernel: 1}}]
stem:
  - conv: {out: 4, kernel: 3}
stages:
  - {block: cell, repeat: 2, width: width, text: TEXT}
  - {block: cell, repeat: 3, width: width * 2, text: TEXT}
head:
  - global_avg_pool
  - linear: {out: classes}
"""


def quoted(text: str) -> str:
    """A text as YAML writes it, whatever it holds."""
    import yaml

    return yaml.dump(text, default_style='"', width=10**9, allow_unicode=False).strip()


def compiled(text: str, note: str | None = None) -> CompiledNetwork:
    """The spec with ``text`` wherever any text may stand."""
    source = SPEC.replace("DOC", quoted(text)).replace("TEXT", quoted(text))
    return netspec.loads(source, overrides=None if note is None else {"note": note})


def skeleton(source: str) -> str:
    """The structure of source without its docstrings; fails where it is no Python."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = node.body[1:]  # a block without a text has none
    return ast.dump(tree)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", TEXTS)
def test_texts_stay_texts(text: str, backend: str) -> None:
    harmless = skeleton(compiled("Harmless text.").generate(backend))
    source = compiled(text).generate(backend)
    assert skeleton(source) == harmless
    assert imported_modules(source) <= IMPORTS[backend]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", TEXTS)
def test_values_of_overrides_stay_texts(text: str, backend: str) -> None:
    """The head of a file tells the values that it was made with."""
    harmless = skeleton(compiled("Harmless text.", note="harmless").generate(backend))
    assert skeleton(compiled("Harmless text.", note=text).generate(backend)) == harmless


@settings(max_examples=20, derandomize=True, database=None, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_stays_a_text(text: str) -> None:
    try:
        found = compiled(text)
    except NetspecError:
        return  # characters that YAML does not allow
    for backend in BACKENDS:
        harmless = skeleton(compiled("Harmless text.").generate(backend))
        assert skeleton(found.generate(backend)) == harmless


def test_hostile_texts_leave_the_source_in_style() -> None:
    sources = {}
    for index, text in enumerate(TEXTS):
        for backend in BACKENDS:
            sources[f"{backend}_{index}"] = compiled(text, note=text).generate(backend)
    problems = style_problems(sources)
    assert not problems, problems


# Names

NAMES = [
    *("class", "lambda", "def", "None", "True", "match", "type", "_", "async", "import"),
    *("print", "exec", "eval", "int", "super", "range", "object", "__import__", "getattr"),
    *("__class__", "__init__", "__dict__", "__builtins__", "__name__", "__doc__", "_modules"),
    *("self", "cls", "x", "y", "torch", "nn", "F", "Tensor", "keras", "layers", "ops", "name"),
    *(
        "initializers",
        "forward",
        "forward_",
        "state_dict",
        "training",
        "weight",
        "inputs",
        "outputs",
    ),
    *("input_shape", "module", "index", "shortcut", "in_channels", "out", "Module", "Sequential"),
    *("downsample", "relu", "conv1", "add_module", "functools", "partial", "math", "Harmless"),
    *(
        "same_padding",
        "ChannelNorm",
        "PadChannels",
        "he_normal_fan_out",
        "conv",
        "batch_norm",
        "by_groups",
        "KerasTensor",
        "bottleneck",
        "basic",
        "Basic",
    ),
]

PLACES = {
    "the spec": ("name: harmless\n", "name: NAME\n"),
    "the class": ("title: Harmless\n", "title: NAME\n"),
    "a variant": ("harmless_a", "NAME"),
    "a parameter": ("width", "NAME"),
    "an argument that is kept": ("classes", "NAME"),
    "a block": ("cell", "NAME"),
    "a slot": ("extra", "NAME"),
    "a value": (
        "    body:\n      - residual:\n          body: [{conv: {out: width, kernel: 3}}",
        "    let: {NAME: width * 2}\n    body:\n      - residual:\n"
        "          body: [{conv: {out: NAME, kernel: 1}}, {conv: {out: width, kernel: 3}}",
    ),
    "a layer": ("- conv: {out: 4, kernel: 3}", "- conv: {out: 4, kernel: 3}\n    name: NAME"),
    "a layer of a block": (
        "shortcut: [{conv: {out: width, kernel: 1}}]",
        "shortcut: [{conv: {out: width, kernel: 1}, name: NAME}]",
    ),
    "a stage": ("- {block: cell, repeat: 2,", "- {block: cell, name: NAME, repeat: 2,"),
    "a block of a stage": ("repeat: 3,", 'repeat: 3, block_name: "NAME{index}",'),
    "a result": (
        "body: [{conv: {out: width, kernel: 3}}, norm, extra]",
        "body: [{conv: {out: width, kernel: 3}, as: NAME}, norm, {relu: {}, as: other}, "
        "{relu: {}, from: [NAME, other]}]",
    ),
    "an output": ("stem:\n", "outputs: {NAME: layer1}\nstem:\n"),
    "a label": ("  cell:\n", "  cell:\n    label: NAME\n"),
    "an index": (
        "stem:\n",
        "stem:\n  - repeat: {times: 2, index: NAME, body: [{conv: {out: NAME + 4, kernel: 1}}]}\n",
    ),
}


def check_name(place: str, name: str) -> bool:
    """Whether the name was accepted; then the source makes a model that is the live one."""
    import torch

    old, new = PLACES[place]
    text = SPEC.replace("DOC", "Text.").replace("TEXT", "plain")
    assert text.count(old)
    try:
        found = netspec.loads(text.replace(old, new.replace("NAME", name)))
        sources = {backend: found.generate(backend) for backend in BACKENDS}
    except (NetspecError, UsageError):
        return False
    for backend, source in sources.items():
        compile(source, "<generated>", "exec")
        assert imported_modules(source) <= IMPORTS[backend]
    model = getattr(import_source(sources["torch"]), safe_identifier(found.name))()
    own = found.build("torch")
    assert list(model.state_dict()) == list(own.state_dict())
    model.load_state_dict(own.state_dict())
    x = torch.randn(2, 3, 8, 10)
    ours, theirs = model.eval()(x), own.eval()(x)
    if isinstance(theirs, dict):
        ours, theirs = ours["output"], theirs["output"]
    assert torch.equal(ours, theirs)
    return True


SHARE = 10
"""In each place the quick test tries so few of the names, others in each."""


@pytest.mark.parametrize("share", ["some", pytest.param("all", marks=pytest.mark.slow)])
@pytest.mark.parametrize("place", PLACES)
def test_names_are_refused_or_work(place: str, share: str) -> None:
    """Refused with a diagnostic; or the source compiles, makes the model, and it runs."""
    pytest.importorskip("torch")
    start = list(PLACES).index(place) % SHARE
    names = NAMES if share == "all" else NAMES[start::SHARE]
    accepted, broken = [], []
    for name in names:
        try:
            if check_name(place, name):
                accepted.append(name)
        except Exception as error:
            broken.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")
    assert not broken, "\n".join(broken)
    assert accepted, "every name refused: the test has nothing to say"


@pytest.mark.parametrize("place", PLACES)
def test_names_work_in_keras_too(place: str) -> None:
    pytest.importorskip("keras")
    old, new = PLACES[place]
    text = SPEC.replace("DOC", "Text.").replace("TEXT", "plain")
    built = 0
    for name in ("print", "x", "layers", "name", "match", "inputs"):
        try:
            found = netspec.loads(text.replace(old, new.replace("NAME", name)))
        except (NetspecError, UsageError):
            continue
        try:
            own = found.build("keras")
        except UsageError:  # a name that Keras needs itself
            continue
        module = import_source(found.generate("keras"))
        model = getattr(module, safe_identifier(found.name))()
        assert {layer.name for layer in model.layers} == {layer.name for layer in own.layers}
        built += 1
    assert built


HOSTILE_NAMES = [
    *("a b", "a-b", "a.b", "a;b", "a\nb", "a()", "a'", 'a"', "a\\", "{a}", "{{a}}", "{% a %}"),
    *("1a", "", " ", "a\u0301", "ａ", "a\x00", "a\n", "𝐜lass", "os.system", CODE),
]


@pytest.mark.parametrize(
    "place",
    ["the spec", "the class", "a variant", "a parameter", "a block", "a result", "an output"],
)
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_what_is_no_identifier_is_refused(place: str, name: str) -> None:
    old, new = PLACES[place]
    text = SPEC.replace("DOC", "Text.").replace("TEXT", "plain")
    text = text.replace(old, new.replace("NAME", quoted(name)))
    with pytest.raises((NetspecError, UsageError)):
        netspec.loads(text)


@pytest.mark.parametrize(
    "name", [n for n in HOSTILE_NAMES if n not in ("a-b", "a.b", "1a", "os.system")]
)
def test_what_names_no_layer_is_refused(name: str) -> None:
    for place in ("a layer", "a stage"):
        old, new = PLACES[place]
        text = SPEC.replace("DOC", "Text.").replace("TEXT", "plain")
        with pytest.raises(NetspecError):
            netspec.loads(text.replace(old, new.replace("NAME", quoted(name))))


# Expressions and YAML


@pytest.mark.parametrize(
    "expression",
    [
        CODE,
        "().__class__",
        "width.__class__",
        "width.real",
        "(lambda: 4)()",
        "[n for n in [4]][0]",
        "open('x')",
        "eval('4')",
        "min(*[4, 5])",
        "min(4, key=4)",
        "f'{4}'",
        "(4).bit_length()",
        "width := 4",
        "yield 4",
        "await 4",
        "4 if exec('') else 4",
        "__builtins__",
        "print",
        "'4' * 100000000",
        "9 ** 9 ** 9",
        "[4, 5][0:2:2][0]",
        "{4: 4}[4]",
        "b'4'[0]",
        "4j",
        "...",
    ],
)
def test_expressions_are_a_closed_language(
    expression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **keywords: object) -> None:
        raise AssertionError("a spec ran code")

    text = SPEC.replace("DOC", "Text.").replace("TEXT", "plain")
    text = text.replace("repeat: 2, width: width", f"repeat: 2, width: {quoted(expression)}")
    monkeypatch.setattr(builtins, "eval", refuse)
    monkeypatch.setattr(builtins, "exec", refuse)
    monkeypatch.setattr("os.system", refuse)
    with pytest.raises(NetspecError):
        netspec.loads(text)


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['false']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!<tag:yaml.org,2002:python/object/new:os.system> ['false']",
        "!unknown 4",
    ],
)
def test_tags_make_no_objects(value: str) -> None:
    text = SPEC.replace("DOC", "Text.").replace("TEXT", "plain")
    with pytest.raises(NetspecError):
        netspec.loads(text.replace("size: [8, 10]", f"size: [8, {value}]"))


def test_the_compiler_runs_no_text() -> None:
    """Outside the tests nothing calls `eval`, `exec` or `compile` on text."""
    from pathlib import Path

    package = Path(netspec.__file__).parent
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        called = {
            n.func.id
            for n in ast.walk(tree)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        assert not called & {"eval", "exec", "compile", "__import__"}, path


def test_the_names_of_this_test_are_the_ones_to_fear() -> None:
    assert {"class", "match", "print"} <= {*NAMES}
    assert any(keyword.iskeyword(name) for name in NAMES)
    assert any(name in dir(builtins) for name in NAMES)

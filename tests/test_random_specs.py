"""Random specs: whatever the schema accepts, the five witnesses agree on.

The default share is always the same, so that a failure is one's own; ``make test-slow`` draws new ones.
"""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest
from hypothesis import HealthCheck, Phase, given, note, reject, settings

import netspec
from netspec.errors import NetspecError
from netspec.ir import Program
from netspec.ir.program import Kind
from netspec.ops import OPS
from netspec.ops.merge import MERGES
from tests.support.random_specs import NAMINGS, spec_texts, specs_and_namings
from tests.support.witnesses import accepted, check

pytest.importorskip("torch")
pytest.importorskip("keras")

QUICK = settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    # Shrinking would take minutes; the failing spec is printed whole, and the slow test shrinks.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LONG = settings(QUICK, max_examples=1500, derandomize=False, phases=list(Phase))
MANY = settings(QUICK, max_examples=600)  # enough for the rarest word, whatever is drawn


def compiled(text: str) -> netspec.CompiledNetwork:
    """The network of ``text``; a spec that is refused, with a diagnostic, proves nothing either way."""
    try:
        return accepted(text)
    except NetspecError:
        reject()


@QUICK
@given(spec_texts())
def test_witnesses_agree(text: str) -> None:
    note(text)
    check(compiled(text))


FOUND = {
    "an empty sequence whose name another container has": """
blocks: {b: {body: [scale]}}
stem: [{sequence: [], name: c}]
stages: [{block: b, name: "c.part{stage}", between: {conv: {kernel: 3, depthwise: true}}}]
""",
    "a stage in a container, which holds its blocks and a layer": """
blocks: {b: {body: []}}
stages: [{block: b, name: "c.part{stage}"}]
head: [{conv: {out: 4, kernel: 3}, name: c.part0.own}]
""",
    "what is known of values in some instances decides what a backend makes of an op": """
blocks:
  b:
    params: {width: int}
    body:
    - conv: {out: width, kernel: 3}
    - when: {test: width > 4, then: [relu], else: [tanh]}
    - max_pool: {kernel: 5, stride: 1, padding: 2}
    - max_pool: {kernel: 3, stride: 2, padding: 1}
  pool: {body: [{max_pool: {kernel: 3, stride: 2, padding: 1}}]}
stem: [{b: {width: 4}}, {b: {width: 8}}, tanh, pool, relu, pool]
""",
    "a container that two choices fill, and a layer between them": """
blocks:
  b:
    params: {w: int}
    body:
    - conv: {out: w, kernel: 1}
    - when: {test: w % 8 == 0, then: [{norm: {}, name: c.x}]}
    - conv: {out: w, kernel: 3}
    - when: {test: w > 4, then: [{scale: {}, name: c.y}]}
    - when: {test: w % 8 != 0, then: [{scale: {}, name: c.x}]}
stem: [{b: {w: 4}}, {b: {w: 8}}, {b: {w: 12}}]
""",
    "a layer ahead of the container that a choice begins": """
blocks:
  b:
    params: {w: int}
    body:
    - when: {test: w > 4, then: [{conv: {out: w, kernel: 1}}, {norm: {}, name: c.x}]}
    - {conv: {out: w, kernel: 3}, name: c.y}
stem: [{b: {w: 4}}, {b: {w: 8}}]
""",
    "a block of nothing behind a body, beside a shortcut that needs a variable": """
blocks:
  nothing: {params: {slot: {type: steps, default: []}}, body: [slot]}
  b:
    params: {width: int}
    body:
    - residual:
        body: [{conv: {out: width, kernel: 3}}, norm, nothing]
        shortcut:
          when:
            test: in_channels != width
            then: [{conv: {out: width, kernel: 1}}]
            else: [{residual: {body: [relu, {conv: {out: width, kernel: 3}}]}}, {branches: {a: [tanh], c: []}}]
stem: [{b: {width: 8}}, {b: {width: 8}}]
""",
    "one name in both sides of a choice, which no attribute can have": """
blocks:
  b:
    params: {w: int}
    body:
    - when:
        test: w > 4
        then: [{scale: {}, name: c.1}]
        else: [{conv: {out: w, kernel: 1, init: ones}, name: c.1}]
    - tanh
stem: [{conv: {out: 4, kernel: 3}}, {b: {w: 4}}, {b: {w: 8}}]
""",
    "the opposite of a comparison": """
blocks:
  b:
    params: {w: int, flag: false}
    body:
    - conv: {out: w, kernel: 1}
    - when: {test: w % 8 == 0, then: [{relu: {}, name: a}]}
    - when: {test: not (w % 8 == 0), then: [{tanh: {}, name: a}]}
    - when: {test: not (not flag), then: [sigmoid]}
stem: [{b: {w: 4, flag: true}}, {b: {w: 8}}]
""",
    "a result without a variable of its own that a choice would write over": """
blocks:
  b:
    params: {w: int}
    body:
    - {when: {test: w > 100, then: [relu]}, as: a}
    - when: {test: w > 4, then: [tanh, sigmoid, {conv: {out: 4, kernel: 3}}]}
    - {softmax: {}, as: c}
    - {from: [a, c]}
stem: [{b: {w: 4}}, {b: {w: 6}}]
""",
    "one layer on either side of a when that takes another result there": """
blocks:
  b:
    params: {w: int}
    body:
    - {conv: {out: 4, kernel: 3}, as: p}
    - {conv: {out: 4, kernel: 3}, as: q}
    - when:
        test: w > 4
        then: [{from: p, conv: {out: w, kernel: 3}, name: c, as: r}]
        else: [{from: q, conv: {out: w, kernel: 1}, name: c, as: r}]
    - {from: [p, q], conv: {out: w, kernel: 1}, as: s}
    - {from: [r, s]}
stem: [{b: {w: 4}}, {b: {w: 8}}]
""",
    "one block on either side of a when, with other arguments": """
blocks:
  inner: {params: {k: int}, body: [{conv: {out: 4, kernel: k}}]}
  outer: {params: {deep: bool}, body: [{when: {test: deep, then: [{inner: {k: 3}}], else: [{inner: {k: 1}}]}}]}
stem: [{outer: {deep: true}}, {outer: {deep: false}}]
""",
    "a layer that is shared on one side of a when, and another of its name on the other": """
blocks:
  b:
    params: {w: int}
    body:
    - {gate: {body: [{global_max_pool: {keep_dims: true}}]}}
    - conv: {out: w, kernel: 1}
    - when:
        test: w > 4
        then: [{max_pool: {kernel: 3, stride: 1, padding: same}}]
        else: [{gate: {body: [{global_max_pool: {keep_dims: true}}, {conv: {out: w, kernel: 1}}, sigmoid]}}]
stem: [{b: {w: 4}}, {b: {w: 8}}]
""",
    "a stage and a sequence that share their containers with others": """
blocks: {b: {body: [{conv: {out: 4, kernel: 3}}]}}
stem: [{relu: {}, name: layer1.act}, {sequence: [relu, tanh], name: c}, {conv: {out: 4, kernel: 1}, name: c.conv}]
stages: [{block: b, repeat: 2}]
""",
    "a when that no instance takes in a container": """
stem:
- sequence: [{conv: {out: 4, kernel: 3}}, {when: {test: channels > 4, then: [relu]}}, tanh]
  name: c
- sequence: [tanh, {when: {test: channels > 4, then: [relu, relu]}}, {conv: {out: 4, kernel: 3}}]
  name: d
""",
    "a layer that is there now and then and called as no variable can be": """
blocks:
  named:
    body: [{when: {test: channels >= 8, then: [{norm: {}, name: with-hyphen}], else: [relu]}}]
stem: [named, {conv: {out: 8, kernel: 3}}, named]
""",
    "a block of nothing": """
blocks: {nothing: {params: {slot: {type: steps, default: []}}, body: [slot]}}
stem: [nothing, {conv: {out: 4, kernel: 3}}]
""",
    "names made of numbers that vary": """
blocks: {named: {params: {width: int}, body: [{conv: {out: width, kernel: 3}, name: "c{channels}"}]}}
stages: {times: 2, block: named, repeat: 2, width: 8 + 4 * index}
""",
    "stages that are called as no variable can be": """
stages:
  - {block: basic, width: 4, name: a-x, stride: 2}
  - {block: basic, width: 8, name: 2-y}
  - {block: basic, width: 8, name: a_x}
outputs: {first: a-x, second: 2-y, third: a_x}
""",
    "a slot that is empty here and there in a container that numbers its steps": """
blocks:
  shifted:
    params: {slot: {type: steps, default: []}}
    body:
      - sequence:
          - branches: {a: [], b: [{conv: {kernel: 3, depthwise: true}}, slot], merge: add}
          - slot
          - act
        name: numbered
stages: [{block: shifted, slot: [relu]}, {block: shifted, slot: []}]
""",
    "channels that grow by what each block adds": """
blocks: {dense: {params: {growth: int}, body: [{concat: {body: [norm, {conv: {out: growth, kernel: 3}}]}}]}}
stages: {times: 2, block: dense, repeat: 4, growth: 3}
""",
    "channels that the block before was given": """
blocks:
  wider:
    params: {width: int}
    body: [{conv: {out: width, kernel: 1}}, relu, {conv: {out: 2 * width, kernel: 3}}]
stages: {times: 2, block: wider, repeat: 4, width: round(4 + 7 * (running_index + 1) / 8)}
""",
    "a formula longer than a line": """
defaults: {conv: {init: {variance_scaling: {scale: 1.0, distribution: truncated_normal, mode: fan_avg}}}}
blocks:
  wide: {params: {width: int}, body: [{repeat: {times: 2, body: [{conv: {out: width, kernel: 11}}]}}]}
stages: [{block: wide, width: 4}, {block: wide, width: 8}]
""",
    "a formula longer than a line, with a sign": """
defaults: {conv: {init: {variance_scaling: {scale: 3.0, distribution: uniform, mode: fan_avg}}}}
blocks:
  wide:
    params: {width: int}
    body:
      - conv: {out: width // 8 * 4 + (width - width // 8 * 4), kernel: [3, 1]}
      - conv: {out: width // 8 * 4 + (width - width // 8 * 4), kernel: 3}
      - conv: {kernel: 3, depthwise: true}
stages: [{block: wide, width: 8}, {block: wide, width: 16}]
""",
    "a named slot that is empty here and there": """
blocks:
  named:
    params: {width: int, slot: {type: steps, default: []}}
    body:
      - conv: {out: width, kernel: 3}
      - slot: {}
        as: first
      - conv: {out: width, kernel: 1}
        as: second
      - {from: [first, second], sigmoid: {}}
stages: [{block: named, width: 4, slot: [relu, tanh]}, {block: named, width: 8}]
""",
    "arithmetic longer than a line": """
defaults: {act: {gelu: {approximate: tanh}}}
blocks:
  long_name_of_a_block:
    params: {width: int}
    body:
      - conv: {out: width, kernel: 3}
      - act: {}
        as: a_rather_long_name_of_a_result
      - conv: {out: width, kernel: 3}
        as: other
      - {from: [other, a_rather_long_name_of_a_result], tanh: {}}
stages: {block: long_name_of_a_block, width: 4}
""",
    "a product with a call of a call": """
stem:
  - sequence:
      - gate: {body: [{conv: {kernel: 1, out: 4}}, {gate: {body: [relu, softmax]}}, sigmoid]}
      - gate: {body: [{conv: {kernel: 1, out: 4}}, {gate: {body: [relu, softmax]}}, sigmoid]}
    name: a_long_name_of_a_container
""",
    "a flattened map that two layers take": """
stem:
  - {as: flat, flatten: {}}
  - {as: mixed, linear: {out: 320}}
  - {from: [flat, mixed]}
""",
    "a flattened map that a layer of another block takes": """
blocks: {flat: {body: [flatten, relu]}}
stem: [{branches: {a: [flat, {linear: {out: 320}}], b: [flat, softmax]}}]
""",
}
"""What random specs have found, as small as it gets."""


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_what_was_found_stays_mended(text: str) -> None:
    check(netspec.loads(f"netspec: 1\nname: found\ninput: {{channels: 4, size: [8, 10]}}{text}"))


@pytest.mark.slow
@LONG
@given(spec_texts())
def test_witnesses_agree_on_many(text: str) -> None:
    note(text)
    check(compiled(text))


def test_names_meet_in_every_way() -> None:
    """Each kind of names stands in one valid spec of thirty at least."""
    found: Counter[str] = Counter()

    @settings(QUICK, max_examples=300)
    @given(specs_and_namings())
    def draw(drawn: tuple[str, Counter[str]]) -> None:
        text, namings = drawn
        compiled(text)
        found.update(namings.keys())

    draw()
    assert found.keys() == {*NAMINGS}
    assert min(found.values()) >= 10, found


def test_specs_are_mostly_valid_and_reach_the_whole_language() -> None:
    """Else the tests above would prove little."""
    valid: list[Program] = []
    refused: list[str] = []
    texts: list[str] = []

    @MANY
    @given(spec_texts())
    def draw(text: str) -> None:
        try:
            valid.append(netspec.loads(text).network)
            texts.append(text)
        except NetspecError as error:
            refused.append(str(error))

    draw()
    assert len(valid) > 0.85 * (len(valid) + len(refused)), refused
    nodes = [node for network in valid for node in network.nodes]
    assert {node.op.kind for node in nodes} == {*OPS, *MERGES}
    kinds = {region.kind for network in valid for region in network.main.regions(*get_args(Kind))}
    assert kinds == {*get_args(Kind)} - {"network"}
    assert any(network.names for network in valid)
    assert {network.source.rank for network in valid} == {1, 2, 3}
    everything = "\n".join(texts)
    for word in (
        *("repeat:", "when:", "else:", "sequence:", "concat:", "from:", "as:", "merge: mul"),
        *("times:", "each:", "stride_at:", "first:", "last:", "between:", "running_index", "name:"),
        *("inline:", "label:", "let:", "type: steps", "type: block", "param:", "outputs:"),
        *("inputs:", "results:"),
        *("variants:", "arguments:", "padding: same", "padding: valid", "padding: symmetric"),
        *("ceil:", "in_channels", "bias_init", "variance_scaling", "truncated_normal", "size[0]"),
    ):
        assert word in everything, word

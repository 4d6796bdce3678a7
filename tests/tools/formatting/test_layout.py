"""The canonical layout, by small examples: what is written, and what becomes of it."""

from __future__ import annotations

import textwrap

import pytest

from netspec.tools.formatting import format_text

CASES = {
    "keys of the file in the order of the language": (
        """
        name: x
        input: {channels: 3, size: [8]}
        netspec: 1
        """,
        """
        netspec: 1
        name: x
        input: {channels: 3, size: [8]}
        """,
    ),
    "names of the author stay in their order": (
        """
        netspec: 1
        params: {width: 1, depth: 2, area: 3}
        variants:
          small: {width: 1, depth: 1}
          large: {depth: 2, width: 2}
        """,
        """
        netspec: 1
        params: {width: 1, depth: 2, area: 3}
        variants:
          small: {width: 1, depth: 1}
          large: {depth: 2, width: 2}
        """,
    ),
    "patterns of names stay in their order: the first that fits counts": (
        """
        netspec: 1
        checkpoints:
          theirs:
            layers: {b: 1, a: 2}
            framework: torch
        """,
        """
        netspec: 1
        checkpoints:
          theirs:
            framework: torch
            layers: {b: 1, a: 2}
        """,
    ),
    "a step's own keys are ahead of what it does": (
        """
        netspec: 1
        stem:
          - conv: {stride: 2, kernel: 3, out: 8}
            from: a
            name: b
        """,
        """
        netspec: 1
        stem:
          - name: b
            from: a
            conv: {out: 8, kernel: 3, stride: 2}
        """,
    ),
    "a stage's arguments stand between its keys": (
        """
        netspec: 1
        stages:
          last: {stride: 1}
          width: 8
          stride_at: last
          repeat: 2
          stride: 2
          depth: 1
          block: basic
        """,
        """
        netspec: 1
        stages:
          block: basic
          repeat: 2
          width: 8
          stride: 2
          depth: 1
          stride_at: last
          last: {stride: 1}
        """,
    ),
    "everything inside is ordered too": (
        """
        body:
          - residual:
              shortcut: [{conv: {kernel: 1, out: 8}}]
              body:
                - when: {else: [], then: [norm], test: a}
                - conv:
                    init: {variance_scaling: {mode: fan_in, scale: 1}}
                    kernel: 1
                - mine: {z: 1, a: {conv: {kernel: 1, out: 2}}}
        params:
          a: {doc: what, default: 1, type: int}
        block: b
        """,
        """
        block: b
        params:
          a: {type: int, default: 1, doc: what}
        body:
          - residual:
              body:
                - when: {test: a, then: [norm], else: []}
                - conv:
                    kernel: 1
                    init: {variance_scaling: {scale: 1, mode: fan_in}}
                - mine: {z: 1, a: {conv: {out: 2, kernel: 1}}}
              shortcut: [{conv: {out: 8, kernel: 1}}]
        """,
    ),
    "two spaces a level, lists below their key": (
        """
        netspec:   1
        stem:
        -   conv:
               out :   8
        -
          norm
        head:
            -  - act
               - norm
            - {a: 1,b:   [1,2 , 3], }
        """,
        """
        netspec: 1
        stem:
          - conv:
              out: 8
          - norm
        head:
          - - act
            - norm
          - {a: 1, b: [1, 2, 3]}
        """,
    ),
    "what fits a line stays on it, what does not is spread": (
        """
        netspec: 1
        params:
          a: {type: float,
              default: 1.0}
          b: {type: float, default: 1.0, doc: "a text that is so long that the mapping cannot stay on a line"}
        """,
        """
        netspec: 1
        params:
          a: {type: float, default: 1.0}
          b:
            type: float
            default: 1.0
            doc: "a text that is so long that the mapping cannot stay on a line"
        """,
    ),
    "scalars stay as they were written": (
        """
        netspec: 1
        doc: 'it''s'
        let: {a: 1.0e-3, b: "0x10", c: 0o17, d: yes, e: ~, f: "ü", g: }
        """,
        """
        netspec: 1
        doc: 'it''s'
        let: {a: 1.0e-3, b: "0x10", c: 0o17, d: yes, e: ~, f: "ü", g: null}
        """,
    ),
    "texts of several lines keep their lines": (
        """
        netspec: 1
        title: "a
            b\\
          c"
        doc: |
            one
              two

            three


        name: >-
             folded
             text
        """,
        """
        netspec: 1

        name: >-
          folded
          text
        title: "a
          b\\
          c"
        doc: |
          one
            two

          three
        """,
    ),
    "long keys need a question mark, others do not": (
        """
        ? netspec
        : 1
        ? |
          a
          b
        : [1]
        """,
        """
        netspec: 1
        ? |
          a
          b
        : [1]
        """,
    ),
    "blank lines stay, one of several, none at the edges": (
        """


        netspec: 1



        stem:

          - norm

          - act

        """,
        """
        netspec: 1

        stem:
          - norm

          - act
        """,
    ),
    "comments go with what follows them": (
        """
        # the file

        # and its language
        netspec: 1
        # about the head
        head: [act]

        # about the stem
        # in two lines

        stem:
          # first
          - norm
          # second
          - act
          # the end of the stem
        # the end of the file
        """,
        """
        # the file

        # and its language
        netspec: 1

        # about the stem
        # in two lines

        stem:
          # first
          - norm
          # second
          - act
          # the end of the stem
        # about the head
        head: [act]
        # the end of the file
        """,
    ),
    "comments behind something stay there, neighbours aligned": (
        """
        netspec: 1 # one
        variants:   # several
          a: {} # the first
          bbbb: {}   #the second
          c: {}

          d: {}         # alone
        """,
        """
        netspec: 1  # one
        variants:   # several
          a: {}     # the first
          bbbb: {}  #the second
          c: {}

          d: {}  # alone
        """,
    ),
    "comments in braces spread them": (
        """
        netspec: 1
        defaults: {conv: {bias: false,  # as published
          # TensorFlow's
          padding: same}, norm: batch_norm}
        head: [ # what ends it
          act,
          norm # twice
          # no more
        ]
        """,
        """
        netspec: 1
        defaults:
          norm: batch_norm
          conv:
            bias: false  # as published
            # TensorFlow's
            padding: same
        head:  # what ends it
          - act
          - norm  # twice
          # no more
        """,
    ),
    "comments in odd places go ahead": (
        """
        netspec:
          # the version
          1
        stem:
          - # a step
            conv:
              out: 8
          -
            # another
            norm
        let: { # none
        }
        """,
        """
        # the version
        netspec: 1
        # none
        let: {}
        stem:
          # a step
          - conv:
              out: 8
          # another
          - norm
        """,
    ),
    "a document may be marked and flow": (
        """
        %YAML 1.2
        ---  # here
        {name: x, netspec: 1}
        ...
        """,
        """
        # here
        netspec: 1
        name: x
        """,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_layout(case: str) -> None:
    given, expected = (textwrap.dedent(text).removeprefix("\n") for text in CASES[case])
    result = format_text(given)
    assert result == expected
    assert format_text(result) == result


def test_line_ends_and_marks_of_other_systems_go() -> None:
    assert format_text("\ufeffnetspec: 1\r\nstem:\r- act  \r\n") == ("netspec: 1\nstem:\n  - act\n")


def test_spaces_that_end_a_text_are_no_blank_line() -> None:
    text = "netspec: 1\ndoc: |\n  a\n   \nname: b\nlet: {}\n"
    assert format_text(text) == "netspec: 1\nname: b\ndoc: |\n  a\n   \nlet: {}\n"


def test_lines_of_other_kinds_stay_what_they_mean() -> None:
    text = 'netspec: 1\ntitle: "a\u2028 b"\ndoc: |  # c\n  x\x85  y\nname: 1 # d\u2028label: 2\n'
    result = format_text(text)
    assert result is not None
    assert format_text(result) == result
    assert all(mark not in result for mark in "\x85\u2028")


@pytest.mark.parametrize("text", ["", "a: 1\n", "- netspec: 1\n", "services: {block: 1}\n", "1\n"])
def test_other_files_are_none_of_ours(text: str) -> None:
    assert format_text(text) is None

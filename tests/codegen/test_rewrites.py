"""Source follows the program: after any rewrite it is the rewritten network that is printed."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, note, reject, settings
from hypothesis import strategies as st

from netspec.api import CompiledNetwork
from netspec.errors import NetspecError
from netspec.ir.check import check_program
from netspec.ir.fingerprint import fingerprint
from tests.support.random_rewrites import REWRITES
from tests.support.random_specs import spec_texts
from tests.support.witnesses import BACKENDS, accepted, check
from tests.support.zoo import SHRUNK, zoo_compiled
from tests.test_random_specs import LONG, QUICK

pytest.importorskip("torch")
pytest.importorskip("keras")


def rewritten(compiled: CompiledNetwork, data: st.DataObject, rewrite: str) -> CompiledNetwork:
    """The network after a rewrite of something in it; rejected where there is nothing for it."""
    program = REWRITES[rewrite](
        compiled.network, lambda of: of[data.draw(st.integers(0, len(of) - 1))]
    )
    if program is None:
        reject()
    check_program(program)
    compilation = dataclasses.replace(compiled.compilation, network=program)
    return CompiledNetwork(compilation)


def check_rewritten(text: str, data: st.DataObject) -> None:
    note(text)
    try:
        compiled = accepted(text)
    except NetspecError:
        reject()
    if not compiled.network.layers:
        reject()
    for rewrite in data.draw(st.lists(st.sampled_from(sorted(REWRITES)), min_size=1, max_size=3)):
        note(rewrite)
        compiled = rewritten(compiled, data, rewrite)
    try:
        check(compiled, of_spec=False)
        sources = [compiled.generate(backend) for backend in BACKENDS]
    except NetspecError as error:  # what a backend cannot do is no matter of this test
        note(str(error))
        reject()
    assert all(fingerprint(compiled.network) in source for source in sources)


@settings(QUICK, max_examples=8)
@given(spec_texts(), st.data())
def test_source_is_that_of_the_rewritten_network(text: str, data: st.DataObject) -> None:
    check_rewritten(text, data)


@pytest.mark.slow
@LONG
@given(spec_texts(), st.data())
def test_source_is_that_of_many_rewritten_networks(text: str, data: st.DataObject) -> None:
    check_rewritten(text, data)


@pytest.mark.parametrize("rewrite", REWRITES)
@pytest.mark.parametrize("name", ["seresnet50"])
def test_one_instance_of_the_zoo_may_differ(name: str, rewrite: str) -> None:
    shrunk = next(each for each in SHRUNK if each.name == name)
    compiled = zoo_compiled(name, shrunk.overrides, shrunk.sizes[0])
    program = REWRITES[rewrite](compiled.network, lambda of: of[len(of) // 2])
    if program is None:  # what is added must be as wide as the shortcut
        assert rewrite == "widen"
        return
    changed = CompiledNetwork(dataclasses.replace(compiled.compilation, network=program))
    check(changed, of_spec=False)
    assert changed.generate("torch") != compiled.generate("torch")

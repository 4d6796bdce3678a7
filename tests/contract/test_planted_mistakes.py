"""``netspec verify --reference`` finds each deliberate mistake in a reference, and says where it is."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from tests.contract.command import Finished, netspec_command
from tests.contract.mistakes import MISTAKES, Mistake
from tests.contract.planting import Make, right
from tests.contract.small_specs import SPECS

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths"),
]
TARGET = "module_with_a_mistake:model"


def held_against(
    spec: str, make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Finished, Path]:
    """A verification of a small spec against the reference that ``make`` gives, and the spec's file."""
    path = folder / f"{spec}.yaml"
    path.write_text(SPECS[spec], encoding="utf-8")
    name, _, function = TARGET.partition(":")
    module = ModuleType(name)
    setattr(module, function, lambda: make(SPECS[spec]))
    monkeypatch.setitem(sys.modules, name, module)
    return netspec_command("verify", path, "--backend", "torch", "--reference", TARGET), path


def test_there_are_enough_in_every_spec() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 40
    assert {mistake.spec for mistake in MISTAKES} == {*SPECS}
    levels = Counter(mistake.level for mistake in MISTAKES)
    assert levels.keys() == {"shapes", "forward", "training"}


@pytest.mark.parametrize("spec", SPECS)
def test_without_a_mistake_all_models_agree(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, _ = held_against(spec, right, tmp_path, monkeypatch)
    assert done.status == 0, done.out
    assert done.out.splitlines()[-1] == f"{spec}: 3 models agree at level training"


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name.replace(" ", "-"))
def test_is_found_and_its_place_is_named(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, path = held_against(mistake.spec, mistake.make, tmp_path, monkeypatch)
    assert done.status == 1, done.out
    prefix = f"reference {TARGET}, "
    (found,) = (line for line in done.out.splitlines() if line.startswith(prefix))
    level, _, message = found.removeprefix(prefix).partition(": ")
    assert level == mistake.level
    assert mistake.said in message
    assert f" is at {path}:" in done.out
    assert done.out.splitlines()[-1] == f"{mistake.spec}: models differ (reference {TARGET})"

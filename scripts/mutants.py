"""``make mutants``: small deliberate mistakes in what lowers, prints, counts and moves, and whether a test sees each.

Cosmic Ray makes the mistakes: another operator, another number, a condition turned round. A sample of them, drawn
with a seed, as many in each area, is tried on copies of the working tree, each with its area's own tests. One that
no test sees is a survivor: it wants a test, or stands in ``scripts/equivalent_mutants.json`` with the reason why it
changes nothing. docs/mutants.md says what was found. Runs in an environment of its own, which has Cosmic Ray.
"""

from __future__ import annotations

import argparse
import ast
import json
import multiprocessing
import os
import random
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutants"
RESULTS = WORK / "results.json"
EQUIVALENT = ROOT / "scripts" / "equivalent_mutants.json"
PAGE = ROOT / "docs" / "mutants.md"

SEED = 0
MINUTES = 120
COUNT = 200
LIMIT = 900
"""Seconds after which a mutant that still runs has been seen: something goes round and round."""
NO_MISTAKE = "core/NoOp"
"""What Cosmic Ray calls no mistake at all: with it the tests must pass."""


@dataclass(frozen=True)
class Area:
    """Modules, by patterns, and the tests that hold them, the quick ones ahead."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


AREAS: Mapping[str, Area] = {
    "lowering in PyTorch": Area(
        ("netspec/backends/torch/rows.py", "netspec/backends/torch/initial.py"),
        ("tests/backends/torch", "tests/ir/test_interpret.py", "tests/codegen/test_goldens.py"),
    ),
    "lowering in Keras": Area(
        tuple(
            f"netspec/backends/keras/{name}.py"
            for name in ("rows", "lowered", "windows", "transposed", "initial")
        ),
        (
            "tests/backends/keras/test_rows.py",
            "tests/backends/keras/test_initial.py",
            "tests/backends/keras/test_varying.py",
            "tests/backends/test_transposed.py",
            "tests/backends/test_refusals.py",
            "tests/codegen/test_goldens.py",
        ),
    ),
    "emitters": Area(
        (
            "netspec/backends/*/emit.py",
            "netspec/backends/*/flow.py",
            "netspec/backends/torch/modules.py",
            "netspec/codegen/*.py",
        ),
        ("tests/codegen", "tests/test_graphs.py", "tests/contract/test_language_cases.py"),
    ),
    "analysis": Area(
        ("netspec/ir/analysis.py", "netspec/ops/geometry.py", "netspec/ops/*.py"),
        (
            "tests/ir/test_analysis.py",
            "tests/ops/test_geometry.py",
            "tests/ops",
            "tests/ir/test_resize.py",
        ),
    ),
    "fingerprint": Area(("netspec/ir/fingerprint.py",), ("tests/ir/test_fingerprint.py",)),
    "weight transfer": Area(
        (
            "netspec/weights/canonical.py",
            "netspec/backends/*/weights.py",
            "netspec/backends/*/files.py",
            "netspec/weights/checkpoints/convert.py",
            "netspec/weights/checkpoints/matching.py",
            "netspec/weights/checkpoints/naming.py",
        ),
        (
            "tests/weights/test_canonical.py",
            "tests/backends/torch/test_weights.py",
            "tests/backends/keras/test_weights.py",
            "tests/weights/checkpoints",
        ),
    ),
}


@dataclass(frozen=True)
class Mutant:
    """One mistake: where it is, what the line was and becomes, and what became of it.

    Attributes:
        area: whose tests were run.
        module: the file, from the root.
        line: the number of the line.
        operator: Cosmic Ray's name of what it did.
        occurrence: at which of the places in the module where it could.
        before: the line.
        after: the line with the mistake.
        outcome: ``killed``, ``timed out``, ``survived``, ``killed since`` by a test that was made for it, or
            ``unfit`` where nothing could be run.
    """

    area: str
    module: str
    line: int
    operator: str
    occurrence: int
    before: str = ""
    after: str = ""
    outcome: str = ""


def main() -> int:
    """Try a sample, or the survivors once more, and write the page; 1 where one survives unexplained."""
    options = _options()
    WORK.mkdir(parents=True, exist_ok=True)
    if options.again:
        kept = [Mutant(**entry) for entry in json.loads(RESULTS.read_text())["mutants"]]
        chosen = [one for one in kept if one.outcome == "survived" and not _reason(one)]
    else:
        kept, chosen = [], sample(options.seed, options.count)
    unchanged = (
        []
        if options.trusted
        else [Mutant(name, _modules(area)[0], 1, NO_MISTAKE, 0) for name, area in AREAS.items()]
    )
    areas = {one.area for one in chosen}
    tried = run([*(one for one in unchanged if one.area in areas), *chosen], options)
    broken = [one.area for one in tried if one.operator == NO_MISTAKE and one.outcome != "survived"]
    if broken:
        print(f"tests fail without any mistake: {', '.join(broken)}", file=sys.stderr)
        return 2
    tried = [one for one in tried if one.operator != NO_MISTAKE]
    if options.again:
        tried = [
            replace(one, outcome="killed since") if one.outcome == "killed" else one
            for one in tried
        ]
    done = {(one.module, one.operator, one.occurrence): one for one in (*kept, *tried)}
    found = list(done.values())
    seed = json.loads(RESULTS.read_text())["seed"] if options.again else options.seed
    data = {"seed": seed, "mutants": [asdict(one) for one in found]}
    RESULTS.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(found, seed), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    unexplained = [one for one in found if one.outcome == "survived" and not _reason(one)]
    for one in unexplained:
        print(f"survived: {one.module}:{one.line}: {one.before}  ->  {one.after}", file=sys.stderr)
    return 1 if unexplained else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the Python that has the tests'")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--count", type=int, default=COUNT, help="at most so many mutants")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="none is begun after these")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--trusted", action="store_true", help="the tests are known to pass without a mistake"
    )
    parser.add_argument("--again", action="store_true", help="the unexplained survivors alone")
    return parser.parse_args()


# Which mutants


def sample(seed: int, count: int) -> list[Mutant]:
    """Mutants in the order in which they are tried: area by area in turn, a place in the text once."""
    draw = random.Random(seed)
    queues = []
    for name, area in AREAS.items():
        places: dict[tuple[str, tuple[int, int]], list[Mutant]] = {}
        for spec in _mutations(area):
            mutant = Mutant(
                name,
                str(spec.module_path),
                spec.start_pos[0],
                spec.operator_name,
                spec.occurrence,
            )
            places.setdefault((mutant.module, spec.start_pos), []).append(mutant)
        # A comparison has ten mutants and a number two: each place counts as one.
        chosen = [draw.choice(found) for _, found in sorted(places.items())]
        draw.shuffle(chosen)
        queues.append(chosen)
    in_turn = [
        queue[turn]
        for turn in range(max(map(len, queues)))
        for queue in queues
        if turn < len(queue)
    ]
    return in_turn[:count]


def _mutations(area: Area) -> Iterator[MutationSpec]:
    """Every mutation of an area's modules, but in what is not run: annotations and their imports."""
    paths = [Path(name) for name in _modules(area)]
    os.chdir(ROOT)
    database = WORK / "session.sqlite"
    database.unlink(missing_ok=True)
    skipped = {path: _not_run(path.read_text(encoding="utf-8")) for path in paths}
    with use_db(str(database), WorkDB.Mode.create) as work:
        init(paths, work, {})
        specs = [spec for item in work.pending_work_items for spec in item.mutations]
    # Cosmic Ray's own order is another one each time.
    for spec in sorted(specs, key=lambda s: (str(s.module_path), s.operator_name, s.occurrence)):
        inside = skipped[spec.module_path]
        if not any(start <= spec.start_pos < end for start, end in inside):
            yield spec


def _modules(area: Area) -> list[str]:
    found = [path for pattern in area.modules for path in sorted(ROOT.glob(pattern))]
    return [str(path.relative_to(ROOT)) for path in found if path.stat().st_size]


def _not_run(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The spans of what changes nothing that runs.

    These are annotations, what only type checkers read, and the promises of dataclasses about their callers.
    """
    found = []
    for node in ast.walk(ast.parse(text)):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            parts.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            parts.append(node.annotation)
        elif (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING") or (
            isinstance(node, ast.keyword) and node.arg in ("frozen", "kw_only")
        ):
            parts.append(node)
        for part in parts:
            if part is not None:
                start = (part.lineno, part.col_offset)  # type: ignore[attr-defined]
                end = (part.end_lineno, part.end_col_offset)  # type: ignore[attr-defined]
                found.append((start, end))
    return found


# What becomes of them


def run(mutants: Sequence[Mutant], options: argparse.Namespace) -> list[Mutant]:
    """Every mutant that could be tried within the time, with its outcome."""
    deadline = time.monotonic() + options.minutes * 60
    queue: multiprocessing.Queue[Mutant | None] = multiprocessing.Queue()
    results: multiprocessing.Queue[Mutant | None] = multiprocessing.Queue()
    for mutant in (*mutants, *[None] * options.workers):
        queue.put(mutant)
    workers = [
        multiprocessing.Process(target=_work, args=(n, queue, results, deadline, options.python))
        for n in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    found: list[Mutant] = []
    left = len(workers)
    while left:
        result = results.get()
        if result is None:
            left -= 1
            continue
        found.append(result)
        if result.operator == NO_MISTAKE:
            said = "pass" if result.outcome == "survived" else "fail"
            print(f"{len(found):4} no mistake: the tests of {result.area} {said}", flush=True)
            continue
        print(f"{len(found):4} {result.outcome:9} {result.module}:{result.line}", flush=True)
        if result.outcome != "killed":
            print(
                f"     {result.operator}\n     - {result.before}\n     + {result.after}", flush=True
            )
    for worker in workers:
        worker.join()
    return found


def _work(number: int, queue, results, deadline: float, python: str) -> None:  # type: ignore[no-untyped-def]
    """A process that tries mutants one after another in its own copy of the tree."""
    tree = WORK / f"tree{number}"
    _copy(tree)
    os.chdir(tree)
    os.environ["PYTHONPATH"] = str(tree)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    while (mutant := queue.get()) is not None:
        if time.monotonic() < deadline:
            results.put(_tried(mutant, python))
    results.put(None)


def _tried(mutant: Mutant, python: str) -> Mutant:
    place = (mutant.line, 0), (mutant.line, 1)
    spec = MutationSpec(Path(mutant.module), mutant.operator, mutant.occurrence, *place)
    tests = AREAS[mutant.area].tests
    command = [python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    result = mutate_and_test([spec], shlex.join(command), LIMIT)
    outcome = "unfit" if result.test_outcome is None else str(result.test_outcome.value)
    outcome = "timed out" if result.output == "timeout" else outcome
    outcome = "unfit" if outcome == "incompetent" else outcome
    before, after = _lines(result.diff or "")
    return Mutant(**{**asdict(mutant), "before": before, "after": after, "outcome": outcome})


def _lines(diff: str) -> tuple[str, str]:
    """The line that was changed, before and after."""
    changed = [
        line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("---", "+++")
    ]
    before, after = (
        " ".join(line[1:].strip() for line in changed if line.startswith(sign)) for sign in "-+"
    )
    return before, after


def _copy(tree: Path) -> None:
    """The working tree as Git sees it, at ``tree``."""
    shutil.rmtree(tree, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in os.fsdecode(listed.stdout).split("\0"):
        if name and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


# What is said of them


def _reason(mutant: Mutant) -> str:
    """Why a mutant changes nothing; empty where nobody has said so."""
    for entry in json.loads(EQUIVALENT.read_text(encoding="utf-8")):
        if all(entry[key] == getattr(mutant, key) for key in ("module", "before", "after")):
            return str(entry["reason"])
    return ""


HEAD = """\
# Mutants

Written by `make mutants`. Cosmic Ray makes small mistakes in the modules below, one at a time, and the tests of
the area are run on each. {tried} mutants were tried, drawn with seed {seed}, about as many in each area.
A mutant that a test sees is killed; one that none sees wants a test, or changes nothing. Lines are those of the
day of the run.

| area | modules | tried | killed | killed since | timed out | the same | survived |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""


def page(mutants: Sequence[Mutant], seed: int) -> str:
    """docs/mutants.md."""
    fit = [one for one in mutants if one.outcome != "unfit"]
    text = HEAD.format(tried=len(fit), seed=seed)
    for name, area in AREAS.items():
        of_area = [one for one in fit if one.area == name]
        killed, since, late = (
            sum(one.outcome == outcome for one in of_area)
            for outcome in ("killed", "killed since", "timed out")
        )
        survived = [one for one in of_area if one.outcome == "survived"]
        equal = sum(bool(_reason(one)) for one in survived)
        modules = ", ".join(f"`{module.removeprefix('netspec/')}`" for module in area.modules)
        rest = len(survived) - equal
        text += f"| {name} | {modules} | {len(of_area)} | {killed} | {since} | {late} | {equal} | {rest} |\n"
    fit.sort(key=lambda one: (one.module, one.line))
    survivors = [one for one in fit if one.outcome == "survived"]
    since_killed = [one for one in fit if one.outcome == "killed since"]
    equal_ones = [one for one in survivors if _reason(one)]
    others = [one for one in survivors if not _reason(one)]
    text += _listed("Survivors", others, "No test sees these: each wants one.")
    text += _listed("Killed since", since_killed, "These survived at first; each has a test now.")
    said = "These change nothing that anybody could see, for the reason beside each."
    return text + _listed("The same network", equal_ones, said)


def _listed(title: str, mutants: Sequence[Mutant], said: str) -> str:
    if not mutants:
        return ""
    text = f"\n## {title}\n\n{said}\n"
    for one in mutants:
        text += f"\n- `{one.module.removeprefix('netspec/')}`, line {one.line}"
        reason = _reason(one)
        text += f": {reason}\n" if reason else "\n"
        text += f"\n  ```diff\n  -{one.before}\n  +{one.after}\n  ```\n"
    return text


if __name__ == "__main__":
    sys.exit(main())

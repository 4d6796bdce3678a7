"""Blocks in a row that are made alike are one run."""

from __future__ import annotations

from netspec.codegen.stages import runs


def test_equal_calls_with_names_that_count_up_are_one_run() -> None:
    first, rest = runs(["block1", "block2", "block3", "block4"], ["a", "b", "b", "b"])
    assert (first.names, first.is_loop) == (("block1",), False)
    assert (rest.pattern, rest.start, rest.range) == ("block{index}", 2, "range(2, 5)")
    assert rest.is_loop


def test_a_gap_in_the_names_ends_a_run() -> None:
    assert [run.names for run in runs(["0", "1", "3"], ["a", "a", "a"])] == [("0", "1"), ("3",)]


def test_names_without_a_number_are_runs_of_one() -> None:
    found = runs(["a", "b"], ["c", "c"])
    assert [run.pattern for run in found] == [None, None]
    assert not any(run.is_loop for run in found)


def test_the_last_number_of_a_name_counts() -> None:
    (run,) = runs(["layer1_0_x", "layer1_1_x", "layer1_2_x"], ["c"] * 3)
    assert (run.pattern, run.range) == ("layer1_{index}_x", "range(3)")


def test_a_number_with_a_zero_ahead_does_not_count_up() -> None:
    assert all(run.pattern is None for run in runs(["a01", "a02"], ["c", "c"]))


def test_a_stage_without_blocks_has_no_runs() -> None:
    assert runs([], []) == []

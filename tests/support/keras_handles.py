"""What people do to a Keras model, done to models of generated source in a process without netspec.

Run as ``python keras_handles.py FOLDER``: for each ``NAME.py`` in the folder, whose function is called as its
file, it writes ``NAME.json``: each handle with an empty text, or what went wrong.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

Make = Callable[[], Any]


def main(folder: Path) -> None:
    """Try every handle on every file of the folder."""
    for path in sorted(folder.glob("*.py")):
        make = runpy.run_path(str(path))[path.stem]
        found = {name: _tried(handle, make, folder) for name, handle in HANDLES.items()}
        path.with_suffix(".json").write_text(json.dumps(found))
    assert not any(name.partition(".")[0] == "netspec" for name in sys.modules)


def _tried(handle: Callable[[Make, Path], None], make: Make, folder: Path) -> str:
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    try:
        handle(make, folder)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:600]
    return ""


def clone(make: Make, folder: Path) -> None:
    """``clone_model``: the same layers with weights of their own."""
    model = make()
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    _same(model, copy)


def fit(make: Make, folder: Path) -> None:
    """A step of ``fit`` moves weights, by finite numbers; it is compiled where that takes no C++ compiler."""
    _step(make(), jit_compile=keras.backend.backend() != "torch")


def mixed_bfloat16(make: Make, folder: Path) -> None:
    """Layers made under a policy compute by it, and keep float32 weights."""
    _mixed(make, "bfloat16")


def mixed_float16(make: Make, folder: Path) -> None:
    """The same, with a loss that Keras scales so that gradients are no zeros."""
    _mixed(make, "float16")


def _mixed(make: Make, dtype: str) -> None:
    with _policy(f"mixed_{dtype}"):
        model = make()
    computing = [layer for layer in model.layers if layer.weights]
    assert {layer.compute_dtype for layer in computing} == {dtype}
    assert {str(weight.dtype) for layer in computing for weight in layer.weights} == {"float32"}
    exact = make()
    exact.set_weights(model.get_weights())
    for found, expected in zip(_run(model), _run(exact), strict=True):
        assert np.abs(found - expected).max() <= 0.1 * max(np.abs(expected).max(), 1), "far off"
    _step(model, jit_compile=False)


def keras_file(make: Make, folder: Path) -> None:
    """``.keras`` and back."""
    _saved(make(), folder / "model.keras")


def h5_file(make: Make, folder: Path) -> None:
    """``.h5`` and back."""
    _saved(make(), folder / "model.h5")


def channels_first(make: Make, folder: Path) -> None:
    """The caller's image data format is no part of the model, and stays what it is."""
    expected = make()
    keras.config.set_image_data_format("channels_first")
    try:
        model = make()
        assert keras.config.image_data_format() == "channels_first"
    finally:
        keras.config.set_image_data_format("channels_last")
    model.set_weights(expected.get_weights())
    _same(model, expected)


HANDLES: dict[str, Callable[[Make, Path], None]] = {
    function.__name__: function
    for function in (clone, fit, mixed_bfloat16, mixed_float16, keras_file, h5_file, channels_first)
}


def _inputs(model: Any) -> Any:
    random = np.random.default_rng(0)
    made = [random.normal(size=(2, *x.shape[1:])).astype("float32") for x in model.inputs]
    return dict(zip(model.input, made, strict=True)) if isinstance(model.input, dict) else made[0]


def _run(model: Any) -> list[np.ndarray]:
    found = keras.tree.flatten(model(_inputs(model), training=False))
    return [keras.ops.convert_to_numpy(keras.ops.cast(y, "float32")) for y in found]


def _same(one: Any, other: Any) -> None:
    for found, expected in zip(_run(one), _run(other), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def _saved(model: Any, path: Path) -> None:
    model.save(path)
    _same(keras.models.load_model(path, compile=False), model)


def _step(model: Any, jit_compile: bool) -> None:
    outputs = model.output
    losses = dict.fromkeys(outputs, "mse") if isinstance(outputs, dict) else "mse"
    model.compile("sgd", losses, jit_compile=jit_compile)
    targets = keras.tree.map_structure(lambda y: np.ones((2, *y.shape[1:]), "float32"), outputs)
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]
    history = model.fit(_inputs(model), targets, batch_size=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    after = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    assert all(np.isfinite(weight).all() for weight in after)
    moved = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert any(moved), "no weight moves"


@contextmanager
def _policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

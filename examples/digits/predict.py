"""Read the test images with plain Keras, and compare with what PyTorch reads.

python predict.py digits.keras digits.pt
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np

from data import digits

SPEC = Path(__file__).with_name("digits.yaml")


def main() -> int:
    """0 when both frameworks read every image alike."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", metavar="MODEL", help="the Keras model")
    parser.add_argument("weights", metavar="WEIGHTS", help="the PyTorch weights it comes from")
    arguments = parser.parse_args()

    _, _, images, labels = digits()
    here = keras.models.load_model(arguments.model).predict(np.moveaxis(images, 1, -1), verbose=0)
    there = torch_scores(arguments.weights, images)
    right = int((here.argmax(1) == labels).sum())
    alike = int((here.argmax(1) == there.argmax(1)).sum())
    print(f"Keras reads {right} of {len(images)} test images right: {right / len(images):.1%}")
    print(f"Keras and PyTorch read {alike} of {len(images)} alike")
    print(f"their scores differ by at most {np.abs(here - there).max():.1e}")
    return 0 if alike == len(images) else 1


def torch_scores(weights: str, images: np.ndarray) -> np.ndarray:
    """What PyTorch makes of the images with the weights that it saved."""
    import torch

    import netspec

    model = netspec.load(SPEC).build("torch").eval()
    model.load_state_dict(torch.load(weights, weights_only=True))
    with torch.no_grad():
        return model(torch.from_numpy(images)).numpy()


if __name__ == "__main__":
    raise SystemExit(main())

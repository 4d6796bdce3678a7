"""Scikit-learn's handwritten digits, the same split for whoever asks."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and labels to train on, and to test on: 1,437 and 360 of them.

    Images are (count, 1, 8, 8) in float32, from 0 to 1.
    """
    found = load_digits()
    images = (found.images / 16).astype("float32")[:, None]
    train, test, train_labels, test_labels = train_test_split(
        images, found.target, test_size=360, stratify=found.target, random_state=0
    )
    return train, train_labels, test, test_labels

"""In which order the pictures of a set are used, whatever the seed."""

import random

import numpy as np


def balanced_order(labels: np.ndarray) -> np.ndarray:
    """Return an order of the images in which every stretch holds the labels about as often as the whole.

    Parameters
    ----------
    labels : ndarray of int, [n]

    Returns
    -------
    ndarray of int64, [n]
        The same on every computer; Python's shuffle of a seed has not changed in any version that is
        supported.
    """
    shuffle = random.Random(0)
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label).tolist()
        shuffle.shuffle(members)
        position[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.argsort(position, kind="stable")


def ends(labels: np.ndarray, train: int, valid: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which images are for training, the first of the balanced order, and which for validation, its last.

    Neither depends on a seed, nor, while there are enough, on how many the other has.

    Parameters
    ----------
    labels : ndarray of int, [n]
    train, valid : int
        Together at most n.

    Returns
    -------
    train, valid : ndarray of int64, [train] and [valid]
    """
    order = balanced_order(labels)
    return order[:train], order[len(labels) - valid :]

"""Kendall's tau of many rankings of the same architectures, whose pairs are held once.

All images but one block rank the architectures nearly as all images do, twenty times for each run. What the truth says
of each pair stays the same; a ranking is then one matrix of signs, and its taus are inner products with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from supernet_bench.analysis.ranking.sample import Sample


@dataclass(frozen=True)
class Order:
    """What rankings are compared with, and on which pairs.

    Attributes
    ----------
    values : ndarray, [n]
        What orders the architectures, such as the truth.
    members : ndarray of bool, [n], optional
        Only pairs of these count.
    groups : ndarray, [n], optional
        Only pairs within one group count.
    """

    values: np.ndarray
    members: np.ndarray | None = None
    groups: np.ndarray | None = None

    def counts(self, pairs: np.ndarray) -> np.ndarray:
        """Return what each pair counts, [n, n], of what it stands for."""
        counts = pairs
        if self.members is not None:
            counts = counts * np.outer(self.members, self.members)
        if self.groups is not None:
            counts = counts * (self.groups[:, None] == self.groups)
        return counts


class PairTable:
    """All pairs of architectures, and how each of some orders has them; it takes n^2 numbers per order.

    Parameters
    ----------
    orders : mapping of str to Order
        By the name of the tau.
    sample : Sample, optional
        Where the architectures were drawn from strata.
    """

    def __init__(self, orders: Mapping[str, Order], sample: Sample | None = None) -> None:
        n = len(next(iter(orders.values())).values)
        pairs = np.ones((n, n), dtype=np.float32)
        if sample is not None:
            pairs = sample.pairs.times(np.outer(sample.weights, sample.weights)).astype(np.float32)
        counts = [order.counts(pairs) for order in orders.values()]
        signed = [_signs(order.values) * counted for order, counted in zip(orders.values(), counts, strict=True)]
        self.names = tuple(orders)
        self.counts = np.stack([counted.ravel() for counted in counts])
        self.signed = np.stack([counted.ravel() for counted in signed])
        self.untied = np.abs(self.signed).sum(axis=1, dtype=np.float64)

    def taus(self, predicted: np.ndarray) -> dict[str, float]:
        """Return tau-b of a ranking, [n] without NaN, with each order; NaN where either leaves no pair untied."""
        signs = _signs(predicted).ravel()
        untied = (self.counts @ np.abs(signs)).astype(np.float64) * self.untied
        taus = (self.signed @ signs) / np.sqrt(np.where(untied > 0, untied, np.nan))
        return dict(zip(self.names, taus.tolist(), strict=True))


def _signs(values: np.ndarray) -> np.ndarray:
    """Return the sign of the difference of each pair, float32 [n, n]; infinite values are ordered, too."""
    ranks = np.unique(values, return_inverse=True)[1].astype(np.float32)
    return np.sign(ranks[:, None] - ranks)

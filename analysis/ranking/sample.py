"""Which part of a space was scored, and how much each scored architecture and each pair of them stands for.

Architectures may be drawn in strata: so many of each part of the space, such as of each tenth by truth. All metrics
still estimate the whole space: an architecture counts as often as it stands for, the inverse of its probability to be
drawn, and so does a pair, whose members are drawn together a little less often within a stratum than across strata
[1]_. A simple random sample is one stratum, where all weights are equal and so none is needed.

References
----------
.. [1] Horvitz and Thompson, "A Generalization of Sampling Without Replacement from a Finite Universe", Journal of the
   American Statistical Association 47, 1952.
.. [2] Rao and Wu, "Resampling Inference with Complex Survey Data", Journal of the American Statistical Association 83,
   1988.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from supernet_bench.core.errors import InputError


@dataclass(frozen=True)
class PairFactors:
    """By what pairs within a stratum count beyond the product of the weights of their members.

    Attributes
    ----------
    of : ndarray of int, [n]
        Stratum of each architecture.
    factors : ndarray of float, [strata]
        1 changes nothing.
    """

    of: np.ndarray
    factors: np.ndarray

    def times(self, pairs: np.ndarray, rows: slice = slice(None)) -> np.ndarray:
        """Return values of the pairs of `rows` with all, [rows, n], times their factors, in the same precision."""
        within = self.of[rows, None] == self.of
        factors = self.factors.astype(pairs.dtype)
        return np.where(within, pairs * factors[self.of[rows], None], pairs)

    def of_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the factors of listed pairs, [pairs]."""
        within = self.of[first] == self.of[second]
        return np.where(within, self.factors[self.of[first]], 1.0)


@dataclass(frozen=True)
class Sample:
    """Architectures that were drawn without replacement from strata of a space, or some of these.

    Attributes
    ----------
    of : ndarray of int, [n]
        Stratum of each architecture.
    sizes : ndarray of int, [strata]
        How many architectures of the space each stratum has.
    drawn : ndarray of int, [strata]
        How many of them were drawn; more than are here if these are but some.
    """

    of: np.ndarray
    sizes: np.ndarray
    drawn: np.ndarray

    @classmethod
    def in_strata(cls, of: ArrayLike, sizes: ArrayLike) -> "Sample":
        """Return all that were drawn, from the stratum of each, [n], and the sizes of the strata, [strata].

        Raises
        ------
        InputError
            If there is no such stratum, or more were drawn of one than it has.
        """
        of, sizes = np.asarray(of), np.asarray(sizes)
        if of.ndim != 1 or not len(of) or not np.issubdtype(of.dtype, np.integer):
            raise InputError(f"strata are {of.dtype} of shape {of.shape}; allowed: whole numbers, one per architecture")
        outside = of[(of < 0) | (of >= len(sizes))]
        if len(outside):
            raise InputError(f"an architecture is in stratum {outside[0]}; allowed: 0 to {len(sizes) - 1}")
        drawn = np.bincount(of, minlength=len(sizes))
        for stratum in np.flatnonzero(drawn > sizes):
            raise InputError(
                f"stratum {stratum} has {sizes[stratum]} architectures; allowed: the {drawn[stratum]} drawn, or more"
            )
        return cls(of, sizes, drawn)

    @cached_property
    def weights(self) -> np.ndarray:
        """How much of the space each architecture stands for, in units of the mean, float64 [n]."""
        represented = self.sizes[self.drawn > 0].sum() / self.drawn.sum()
        return np.asarray((self.sizes / np.maximum(self.drawn, 1) / represented)[self.of])

    @cached_property
    def pairs(self) -> PairFactors:
        """What the pairs of the sample stand for, beside the weights of their members.

        A pair of one stratum is drawn with probability n_h (n_h - 1) / (N_h (N_h - 1)), one of two strata with
        n_h n_k / (N_h N_k), for n_h drawn of N_h.
        """
        return PairFactors(self.of, self._together(self.sizes) / self._together(self.drawn))

    @cached_property
    def resampled_pairs(self) -> PairFactors:
        """The same for pairs of a resample, as `resample` draws them.

        Of n_h architectures n_h - 1 are drawn with replacement, so two given ones of a stratum come together less
        often than their weights suggest; the copies of one make no pair.
        """
        after = self._together(self.drawn - 1)
        return PairFactors(self.of, self.pairs.factors / np.where(self.drawn > 2, after, 1.0))

    @staticmethod
    def _together(of: np.ndarray) -> np.ndarray:
        """Return how probable a pair of a stratum is over the product of its members' probabilities, [strata]."""
        return np.where(of > 1, 1 - 1 / np.maximum(of, 1), 1.0)

    def resample(self, resamples: int, seed: int) -> np.ndarray:
        """Draw resamples within the strata, of n_h - 1 architectures each, rescaled by n_h / (n_h - 1) [2]_.

        The variance of a sum over the resamples is then its unbiased estimate in each stratum, however small. Resamples
        of n_h, as they come to mind first, give (n_h - 1) / n_h of it. A stratum of which one was drawn stays as it is.

        Parameters
        ----------
        resamples : int
            Number of resamples.
        seed : int
            Equal seeds give equal resamples.

        Returns
        -------
        ndarray of float32, [resamples, n]
            Weights of the architectures, in the unit of `weights`.
        """
        generator = np.random.default_rng(seed)
        weights = np.empty((resamples, len(self.of)), dtype=np.float32)
        for stratum, drawn in enumerate(self.drawn):
            members = np.flatnonzero(self.of == stratum)
            if drawn == 1:
                weights[:, members] = self.weights[members]
            elif drawn > 1:
                counts = generator.multinomial(drawn - 1, np.full(drawn, 1 / drawn), size=resamples)
                weights[:, members] = counts * (self.weights[members] * drawn / (drawn - 1))
        return weights

    def weights_of_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return how much of the pairs of the space each listed one stands for, float64 [pairs]."""
        return np.asarray(self.weights[first] * self.weights[second] * self.pairs.of_pairs(first, second))

    def known(self, chosen: np.ndarray) -> "Sample":
        """Return the sample without architectures of which something is missing; those left stand for their strata.

        Parameters
        ----------
        chosen : ndarray of bool, [n]
        """
        return Sample.in_strata(self.of[chosen], self.sizes)

    def within(self, chosen: np.ndarray) -> "Sample":
        """Return those of a part of the space, such as its better half; each stands for as much as in the whole.

        Parameters
        ----------
        chosen : ndarray of bool, [n]
        """
        return replace(self, of=self.of[chosen])

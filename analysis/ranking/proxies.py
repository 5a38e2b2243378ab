"""Scores of zero-cost proxies, as whatever else ranks architectures has them."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from supernet_bench.analysis.ranking.scores import Kind, Scores

FEWEST = 2
"""Architectures that can be ranked."""


def of_proxies(proxies: Mapping[str, pd.Series], architectures: pd.Index) -> Iterator[Scores]:
    """Yield what each proxy says of the architectures; one that hardly any has a score of says nothing.

    Parameters
    ----------
    proxies : mapping of str to Series
        As in `analysis.results.Results`.
    architectures : Index
        Numbers of those that are compared.
    """
    for name, scores in proxies.items():
        values = _finite(scores.reindex(architectures).to_numpy(dtype=np.float64))
        if (~np.isnan(values)).sum() >= FEWEST:
            yield Scores(Kind.PROXY, name, (values,))


def _finite(values: np.ndarray) -> np.ndarray:
    """Return scores with a number below all others in the place of minus infinity, from which nothing is subtracted."""
    known = values[np.isfinite(values)]
    worst = known.min() - 1.0 - abs(known.min()) if len(known) else 0.0
    return np.where(np.isneginf(values), worst, values)

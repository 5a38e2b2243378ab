"""Scores of architectures: one notion, whatever it is that ranks them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from supernet_bench.analysis.results import Results
from supernet_bench.core.errors import InputError, in_one_line, unknown
from supernet_bench.records.run import Blocks


class Kind(StrEnum):
    """What gives architectures their scores."""

    SUPERNET = "supernet"
    UNTRAINED = "untrained supernet"
    PROXY = "proxy"
    COST = "parameter count"
    IMPORTED = "imported file"
    SHORT_TRAINING = "published short training"


BROUGHT = frozenset((Kind.PROXY, Kind.IMPORTED))
"""Kinds of what stands beside a study because somebody brought it: pages name them, since the names of rows do not."""


@dataclass(frozen=True)
class Scores:
    """A number for each architecture, once or at several checkpoints; higher is better.

    Attributes
    ----------
    kind : Kind
    name : str
        Of a run, its id; otherwise what tables call the row.
    checkpoints : tuple of ndarray, each float64 [n]
        In the order of the architectures that are compared; NaN where an architecture has none.
    cross_entropies : tuple of ndarray, each float64 [n]
        Beside them, of what has such; NaN where it overflowed.
    deleted : tuple of ndarray, each float64 [blocks, n]
        The checkpoints again with the images of one block left out, of what was scored on images in known blocks.
    deleted_cross_entropies : tuple of ndarray, each float64 [blocks, n]
        The same of the cross-entropies.
    """

    kind: Kind
    name: str
    checkpoints: tuple[np.ndarray, ...]
    cross_entropies: tuple[np.ndarray, ...] = ()
    deleted: tuple[np.ndarray, ...] = ()
    deleted_cross_entropies: tuple[np.ndarray, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every architecture has a score at every checkpoint."""
        return not any(np.isnan(values).any() for values in self.checkpoints)


def of_runs(
    scores: pd.DataFrame,
    architectures: pd.Index,
    untrained: Iterable[str],
    blocks: Mapping[tuple[str, int], Blocks] | None = None,
) -> Iterator[Scores]:
    """Yield what each run says of the architectures at its late checkpoints.

    Parameters
    ----------
    scores : DataFrame
        As in `analysis.results.Results`; every run has the same architectures in the same order.
    architectures : Index
        Numbers of those that are compared; others are left out.
    untrained : iterable of str
        Ids of the runs whose supernet was not trained.
    blocks : mapping of (run_id, epoch) to Blocks, optional
        The scores by block of images, as in `analysis.results.Results`. Images are left out only of runs that have them
        at all their late checkpoints.
    """
    late = scores[scores["late"].astype(bool)]
    untrained, blocks = set(untrained), blocks or {}
    for run_id, rows in late.groupby("run_id"):
        checkpoints = [part for _, part in rows.groupby("epoch")]
        chosen = [part["architecture"].isin(architectures).to_numpy() for part in checkpoints]
        parts = [part[known] for part, known in zip(checkpoints, chosen, strict=True)]
        places = [(str(run_id), int(part["epoch"].iloc[0])) for part in checkpoints]
        by_block = [blocks[place] for place in places if place in blocks]
        all_known = len(by_block) == len(parts)
        deleted = [_left_out(*one) for one in zip(parts, by_block, chosen, strict=True)] if all_known else []
        yield Scores(
            Kind.UNTRAINED if run_id in untrained else Kind.SUPERNET,
            str(run_id),
            tuple(part["score"].to_numpy() for part in parts),
            tuple(part["cross_entropy"].to_numpy() for part in parts),
            tuple(scores for scores, _ in deleted),
            tuple(losses for _, losses in deleted),
        )


def _left_out(rows: pd.DataFrame, blocks: Blocks, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and cross-entropies of a checkpoint with the images of each block left out, [blocks, n] each.

    Parameters
    ----------
    rows : DataFrame
        Of the checkpoint and the compared architectures.
    blocks : Blocks
        Of all that were scored.
    chosen : ndarray of bool
        Which of these are compared.
    """
    images = np.asarray(blocks.images, dtype=np.float64)[:, None]
    rest = images.sum() - images
    correct = np.asarray(blocks.correct, dtype=np.float64)[:, chosen]
    losses = np.asarray(blocks.cross_entropy, dtype=np.float64)[:, chosen]
    # Sums of blocks are rounded, the mean of all is not.
    of_all = rows["cross_entropy"].to_numpy() * images.sum()
    cross_entropy = (of_all - np.where(np.isfinite(losses), losses, np.nan) * images) / rest
    if np.array_equal(rows["score"], rows["accuracy"]):
        return (correct.sum(axis=0) - correct) / rest, cross_entropy
    return np.where(np.isnan(cross_entropy), -np.inf, -cross_entropy), cross_entropy


def of_table(rows: pd.DataFrame, target: str) -> Iterator[Scores]:
    """Yield what a published table says of its architectures beside the truth: costs, and shorter trainings.

    Parameters
    ----------
    rows : DataFrame
        Rows of the reference table.
    target : str
        Its truth column; a shorter training is one that differs from it in having fewer epochs only.
    """
    for name, column in (("parameter count", "parameters"), ("MACs", "macs")):
        yield Scores(Kind.COST, name, (rows[column].to_numpy(dtype=np.float64),))
    stem, _, epochs = target.rpartition("_")
    if not epochs.isdigit():
        return
    others = (column.rpartition("_") for column in rows.columns)
    lengths = sorted(int(n) for name, _, n in others if name == stem and n.isdigit() and int(n) < int(epochs))
    for length in lengths:
        values = rows[f"{stem}_{length}"].to_numpy(dtype=np.float64)
        yield Scores(Kind.SHORT_TRAINING, f"published accuracy, {length} epochs", (values,))


def scores_of(results: Results, name: str, scores: pd.Series, kind: str = Kind.IMPORTED) -> Scores:
    """Return scores that somebody brings, of a proxy or of a supernet of another code, to stand beside a study.

    Parameters
    ----------
    results : Results
        The study, whose scored architectures are ranked.
    name : str
        What tables call the row.
    scores : Series
        By the number of the architecture, higher is better; of architectures that the study did not score nothing is
        used, and some of those that it did may be missing.
    kind : str
        What gave them, one of `Kind`, such as ``"proxy"``.

    Raises
    ------
    InputError
        If an architecture has two scores, a score is no finite number, fewer than two of those that are compared have
        one, or there is no such kind.
    """
    kinds = [one.value for one in Kind]
    if kind not in kinds:
        raise unknown("kind of scores", kind, kinds)
    if not isinstance(scores, pd.Series):
        kind_given = type(scores).__name__
        raise InputError(
            f"scores {name!r} are of type {kind_given}; allowed: a Series, by the number of the architecture"
        )
    if scores.index.has_duplicates:
        twice = scores.index[scores.index.duplicated()][0]
        raise InputError(f"scores {name!r} have architecture {twice} twice; allowed: once")
    architectures = results.truth.index
    try:
        values = scores.reindex(architectures).to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"scores {name!r} are no numbers ({in_one_line(error)}); allowed: numbers alone") from error
    if np.isinf(values).any():
        where = architectures[np.isinf(values)][0]
        raise InputError(f"scores {name!r} have {values[np.isinf(values)][0]} at architecture {where}; allowed: finite")
    known = int((~np.isnan(values)).sum())
    if known < 2:
        raise InputError(f"scores {name!r} have {known} of the {len(architectures)} architectures; allowed: at least 2")
    return Scores(Kind(kind), name, (values,))

"""Which runs were trained alike, so that they differ in how they are scored alone."""

from collections.abc import Mapping

from supernet_bench.analysis.results import Results

COUNTS = ("optimiser_steps", "path_passes", "images")


def trainings(results: Results) -> Mapping[str, bytes]:
    """Return what tells the training of each run from others, by its id.

    Whatever changes training changes the loss of some step, and with it the curve, bit for bit. Two runs with the same
    curve over the same numbers of steps, paths and images are one training: heuristics that only score again, and those
    that never came to act. Runs without a curve are not listed, as nothing tells.
    """
    counts = results.runs.drop_duplicates("run_id").set_index("run_id")[list(COUNTS)].fillna(-1).astype(float)
    return {
        str(run_id): curve[["epoch", "loss", "accuracy", "learning_rate"]].to_numpy(dtype=float).tobytes()
        + counts.loc[run_id].to_numpy().tobytes()
        for run_id, curve in results.curve.groupby("run_id", sort=False)
    }


def same_training(one: Mapping[int, str], other: Mapping[int, str], trainings: Mapping[str, bytes]) -> bool:
    """Return whether the runs of two levels, by seed, were trained alike with every seed that both have.

    They only score differently then. Without a common seed, or a curve, nothing tells.
    """
    both = [(one[seed], other[seed]) for seed in one if seed in other]
    return bool(both) and all(a in trainings and trainings[a] == trainings.get(b) for a, b in both)

"""What stands below the tables: what their numbers are and what they rest on."""

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.intervals import SAME, Estimate
from supernet_bench.analysis.effects.references import NOISE_CEILING
from supernet_bench.analysis.numbers import CORRECTED, ONE_SEED, UNCORRECTED, USES_TRUTH, count
from supernet_bench.analysis.pages.wording import seeds_line
from supernet_bench.analysis.ranking.metrics import kendall_tau, top_size
from supernet_bench.analysis.results import Results


def footer(results: Results, effects: Effects) -> list[str]:
    """Return the lines without which the numbers mean nothing."""
    lines = [
        *facts(results, effects),
        "tau is Kendall's tau-b of the score (the accuracy, unless the level says otherwise) with the truth (1: the "
        "same order, 0: chance, -1: reversed), the mean over late checkpoints, then over seeds.",
        "95 % intervals say how far a mean could move with other seeds and other architectures: a t interval over "
        "seeds, widened by what a bootstrap (scoring architectures drawn anew from these) shows of the choice of "
        "architectures. Published references: architectures alone. Differences are paired by seed and by "
        "architecture; a reference known for fewer architectures is subtracted as it is.",
        *_correction(effects),
        "Path passes x baseline: how many paths a level trains, relative to the baseline with the same seed.",
        *_same_order(results, effects),
        runs_line(effects),
    ]
    known = len(effects.truth)
    if 0 < known == results.reference[results.target].notna().sum():
        lines.append(
            "The whole space was scored, so the architectures are no sample of it; the intervals treat them as one "
            "and are wider than this space alone asks for."
        )
    lines += mark_notes(effects)
    if any(effect.level.name == NOISE_CEILING for effect in effects.references):
        lines.append(
            "Noise ceiling: mean tau of one published run against another of the same architectures. A predictor can "
            "exceed it a little, because the truth averages runs."
        )
    return lines


def facts(results: Results, effects: Effects) -> list[str]:
    """Return what was run, and what it is compared with."""
    manifest, attributes = results.manifest, results.reference.attrs
    seeds = ", ".join(map(str, manifest.seeds))
    scored, known = len(results.architectures), len(effects.truth)
    without_truth = f", {known} of them with a known truth" if known < scored else ""
    return [
        f"Study {manifest.study} ({manifest.title}): space {manifest.space}, images {manifest.images}.",
        f"Truth: {attributes.get('table', 'unnamed table')}, column {results.target}; "
        f"{attributes.get('left_out', 'unknown number of')} published runs left out of the table.",
        f"{count(scored, 'architecture')} scored{without_truth}; {count(len(manifest.seeds), 'seed')} ({seeds}).",
    ]


def marks_line(effects: Effects) -> str:
    """Return what the marks beside differences mean; there are comparisons."""
    return (
        f"{CORRECTED} marks differences that exclude zero also when all "
        f"{count(len(effects.comparisons), 'comparison')} of the study are corrected for their number (Holm), "
        f"{UNCORRECTED} those that exclude it only before."
    )


def mark_notes(effects: Effects) -> list[str]:
    """Return what the marks mean that stand beside some levels and intervals."""
    lines = []
    if any(estimate.one_seed for estimate in _estimates(effects)):
        lines.append(f"{ONE_SEED} One seed: the interval covers architectures alone and says nothing about seeds.")
    if any(effect.level.uses_truth for effect in effects.levels):
        lines.append(f"{USES_TRUTH} This level looks at published accuracies while it trains.")
    return lines


def _correction(effects: Effects) -> list[str]:
    """Return what the marks beside differences mean, and how many seeds would decide more of them."""
    if not effects.comparisons:
        return []
    return [
        f"Intervals are not adjusted for their number. {marks_line(effects)} A comparison of the same runs counts "
        "once. Every metric is a family of its own.",
        seeds_line(effects),
    ]


def _same_order(results: Results, effects: Effects) -> list[str]:
    """Return that two costs are one reference, where they order the architectures identically."""
    scored = results.reference.loc[effects.truth.index]
    if len(scored) < 2 or not kendall_tau(scored["parameters"].to_numpy(), scored["macs"].to_numpy()) > 1 - SAME:
        return []
    return ["Parameter count and MACs order these architectures identically, so their two rows are one reference."]


def runs_line(effects: Effects) -> str:
    """Return what became of all runs."""
    runs = effects.runs.drop_duplicates("run_id")
    states = ", ".join(f"{number} {state}" for state, number in runs["status"].value_counts(sort=False).items())
    errors = ", ".join(f"{number} {error}" for error, number in runs["error"].value_counts().sort_index().items())
    lost = (runs["status"] != "finished").any()
    left_out = " Means are over finished runs; the others are counted beside them." if lost else ""
    return f"Runs: {states}{f' ({errors})' if errors else ''}.{left_out}"


def metrics_footer(effects: Effects) -> list[str]:
    """Return what the columns of the tables of other metrics are."""
    known = len(effects.truth)
    tops = " and ".join(str(top_size(fraction, known)) for fraction in (0.05, 0.01))
    return [
        "Sparse tau: differences of truth within one bin of 0.1 % count as ties. tau given parameters: partial tau "
        "with the parameter count held fixed. tau among equal sizes: over the pairs of architectures with equal "
        f"parameter counts alone, of which {effects.equal_size_pairs} differ in truth. tau of cross-entropy: the "
        "scores are minus the cross-entropy instead of the accuracy. tau with parameters: of the score with the "
        "parameter count instead of the truth, which is how much a supernet prefers large networks.",
        "A level that only prefers large networks more gains in tau, as far as these are better, and in tau with "
        "parameters. Its tau given parameters changes little (up to about 0.05 in a simulation), its tau among equal "
        "sizes not at all. Marks beside differences are as above, each metric corrected by itself. Interaction: the "
        "difference of a cell minus the differences of the two cells that change one factor each, so what both do "
        "together beyond the sum; all interactions of the study are corrected together.",
        "Regret (best truth of all scored minus the best of the top 10; lower is better), precision (share of the "
        f"predicted top 5 % or 1 % in the true one; of {count(known, 'architecture')} these are {tops}) and the mean "
        "truth of the top 10 are within the scored architectures. P > R, 10 draws: the probability that the best of "
        "the top 10 is better than 10 random architectures of the whole space.",
        "Intervals of the architectures predicted best cover seeds alone, here and in table.csv, which holds every "
        "estimate with its interval and its number of seeds and of architectures. Where all pairs of seeds show the "
        "same difference in such a metric, nothing shows its spread, and it has no interval.",
    ]


def _estimates(effects: Effects) -> list[Estimate]:
    """Return all estimates that are shown with their interval."""
    rows = (*effects.levels, *effects.references)
    shown = [(*row.estimates.values(), row.difference, row.baseline_minus_this) for row in rows]
    return [estimate for estimates in shown for estimate in estimates if estimate]

"""What verdicts are called on the pages."""

from collections.abc import Mapping

from supernet_bench.analysis.numbers import CORRECTED, NOT_DECIDABLE, ONE_SEED, UNCORRECTED
from supernet_bench.analysis.verdicts import NEGLIGIBLE, Size, Verdict

TITLES: Mapping[Verdict, str] = {
    Verdict.HELPS: "Helps",
    Verdict.HURTS: "Hurts",
    Verdict.PERHAPS_HELPS: "Perhaps helps",
    Verdict.PERHAPS_HURTS: "Perhaps hurts",
    Verdict.NOTHING: f"Does nothing: no effect larger than {NEGLIGIBLE}",
    Verdict.NOISY: "Too noisy to say",
    Verdict.ONE_SEED: "Not decidable with one seed",
    Verdict.NO_INTERVAL: "Too little for an interval",
    Verdict.NOT_COMPARED: "Nothing to compare",
}
"""Of the lists of the index."""

MARKS: Mapping[Verdict, str] = {
    Verdict.HELPS: CORRECTED,
    Verdict.HURTS: CORRECTED,
    Verdict.PERHAPS_HELPS: UNCORRECTED,
    Verdict.PERHAPS_HURTS: UNCORRECTED,
    Verdict.ONE_SEED: ONE_SEED,
}
"""Beside differences, as `marks` sets them."""

UNDECIDED = "The interval includes zero, so the direction is not decided"

CLAIMS: Mapping[Verdict, str] = {
    Verdict.HELPS: "The interval excludes zero, higher tau than the baseline, also {corrected}",
    Verdict.HURTS: "The interval excludes zero, lower tau than the baseline, also {corrected}",
    Verdict.PERHAPS_HELPS: "The interval excludes zero, higher tau than the baseline, but not {corrected}",
    Verdict.PERHAPS_HURTS: "The interval excludes zero, lower tau than the baseline, but not {corrected}",
    Verdict.NOTHING: UNDECIDED,
    Verdict.NOISY: UNDECIDED,
    Verdict.ONE_SEED: f"{NOT_DECIDABLE.capitalize()}, the interval covers architectures alone",
    Verdict.NO_INTERVAL: "Too little for an interval",
    Verdict.NOT_COMPARED: "No run to compare with the baseline",
}
"""Of levels in a report, in this order; `corrected` names the correction."""

SIZES: Mapping[Size, str] = {
    Size.BEYOND: (
        "More than a preference for size, tau among architectures of equal size moves the same way and excludes zero"
    ),
    Size.PERHAPS_BEYOND: (
        "Perhaps more than a preference for size, tau given parameters moves the same way and excludes zero"
    ),
    Size.NOT_SHOWN_BEYOND: (
        "Not shown beyond a preference for size, tau with parameters excludes zero and what is left beside it does not "
        "show the direction of tau"
    ),
    Size.UNDECIDED: "Not decided whether it is a preference for size",
}
"""Of levels that change tau, in this order."""

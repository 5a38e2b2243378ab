"""What was found in a study, and between studies, as it is published: verdicts with the numbers that they rest on.

`table.csv` is for people and holds everything; what other pages say of a study they take from here, and decide nothing.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from supernet_bench.analysis.effects.agreement import Correlation
from supernet_bench.analysis.effects.effects import Counts
from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.numbers import DECIMALS
from supernet_bench.analysis.verdicts import Evidence, Transfer, Verdict
from supernet_bench.core.errors import InputError, in_one_line

VERDICTS = "verdicts.json"

EVIDENCE = {
    Verdict.HELPS: Evidence.CORRECTED,
    Verdict.HURTS: Evidence.CORRECTED,
    Verdict.PERHAPS_HELPS: Evidence.UNCORRECTED,
    Verdict.PERHAPS_HURTS: Evidence.UNCORRECTED,
    Verdict.NOTHING: Evidence.INCLUDES_ZERO,
    Verdict.NOISY: Evidence.INCLUDES_ZERO,
    Verdict.ONE_SEED: Evidence.ONE_SEED,
    Verdict.NO_INTERVAL: Evidence.NO_INTERVAL,
    Verdict.NOT_COMPARED: Evidence.NOT_COMPARED,
}
"""What each verdict rests on."""

Json = Mapping[str, Any]
Found = TypeVar("Found")


@dataclass(frozen=True)
class LevelFinding:
    """What a level does.

    Attributes
    ----------
    factor, level : str
        As in the study.
    label : str
        What tables call the level.
    uses_truth : bool
        Whether it looks at published accuracies in training.
    verdict : Verdict
        What its difference shows.
    difference, given_parameters : Estimate
        To the baseline, in tau and in tau given the parameter count.
    path_passes : float
        As many times those of the baseline are trained.
    counts : Counts
        Its runs.
    better_half : Estimate, optional
        The difference in tau of the better half, where the study has it.
    better_half_evidence : Evidence
        What its interval decides.
    standard_error, better_half_standard_error : float
        Of the difference in tau, and in tau of the better half; NaN where they are not known.
    """

    factor: str
    level: str
    label: str
    uses_truth: bool
    verdict: Verdict
    difference: Estimate
    given_parameters: Estimate
    path_passes: float
    counts: Counts
    better_half: Estimate | None = None
    better_half_evidence: Evidence = Evidence.NOT_COMPARED
    standard_error: float = math.nan
    better_half_standard_error: float = math.nan

    @property
    def evidence(self) -> Evidence:
        """What the interval of its difference decides, whatever its direction."""
        return EVIDENCE[self.verdict]

    @classmethod
    def from_json(cls, content: Json) -> "LevelFinding":
        """Read what `asdict` gave; some error of Python's where a part is not what it should be."""
        return cls(
            factor=str(content["factor"]),
            level=str(content["level"]),
            label=str(content.get("label", content["level"])),
            uses_truth=bool(content["uses_truth"]),
            verdict=Verdict(content["verdict"]),
            difference=_estimate(content["difference"]),
            given_parameters=_estimate(content["given_parameters"]),
            path_passes=_number(content["path_passes"]),
            counts=Counts(**content["counts"]),
            better_half=_estimate(content["better_half"]) if content.get("better_half") else None,
            better_half_evidence=Evidence(content.get("better_half_evidence", Evidence.NOT_COMPARED)),
            standard_error=_number(content.get("standard_error")),
            better_half_standard_error=_number(content.get("better_half_standard_error")),
        )


@dataclass(frozen=True)
class Survivor:
    """A difference in another metric, or an interaction, that excludes zero also after its correction."""

    factor: str
    level: str
    metric: str
    difference: Estimate
    label: str = ""

    @classmethod
    def from_json(cls, content: Json) -> "Survivor":
        """Read what `asdict` gave."""
        return cls(
            factor=str(content["factor"]),
            level=str(content["level"]),
            metric=str(content["metric"]),
            difference=_estimate(content["difference"]),
            label=str(content.get("label", content["level"])),
        )


@dataclass(frozen=True)
class Loss:
    """A row with runs that gave nothing."""

    factor: str
    level: str
    counts: Counts
    label: str = ""

    @classmethod
    def from_json(cls, content: Json) -> "Loss":
        """Read what `asdict` gave."""
        label = str(content.get("label", content["level"]))
        return cls(str(content["factor"]), str(content["level"]), Counts(**content["counts"]), label)


@dataclass(frozen=True)
class StudyFindings:
    """What was found in a study.

    Attributes
    ----------
    study, title, space, images : str
        Which study it is.
    runs, seeds, architectures : int
        What it rests on: different runs, seeds, and scored architectures with a known truth.
    baseline : Estimate
        tau of the baseline.
    references : dict of str to Estimate
        tau of what ranks without a trained supernet, where it is known.
    levels : tuple of LevelFinding
        All that are compared with the baseline; of those that are the same runs, the first.
    best, interactions : tuple of Survivor
        Differences in how good the architectures predicted best are, and interactions in tau.
    lost : tuple of Loss
        Every row with runs that gave nothing, the baseline once.
    """

    study: str
    title: str
    space: str
    images: str
    runs: int
    seeds: int
    architectures: int
    baseline: Estimate
    references: Mapping[str, Estimate]
    levels: tuple[LevelFinding, ...]
    best: tuple[Survivor, ...]
    interactions: tuple[Survivor, ...]
    lost: tuple[Loss, ...]

    def of(self, verdict: Verdict) -> list[LevelFinding]:
        """Return the levels with a verdict."""
        return [level for level in self.levels if level.verdict is verdict]

    @classmethod
    def from_json(cls, content: Json) -> "StudyFindings":
        """Read what `asdict` gave."""
        return cls(
            study=str(content["study"]),
            title=str(content["title"]),
            space=str(content["space"]),
            images=str(content["images"]),
            runs=int(content["runs"]),
            seeds=int(content["seeds"]),
            architectures=int(content["architectures"]),
            baseline=_estimate(content["baseline"]),
            references={name: _estimate(tau) for name, tau in content["references"].items()},
            levels=tuple(map(LevelFinding.from_json, content["levels"])),
            best=tuple(map(Survivor.from_json, content["best"])),
            interactions=tuple(map(Survivor.from_json, content["interactions"])),
            lost=tuple(map(Loss.from_json, content["lost"])),
        )


@dataclass(frozen=True)
class PairFinding:
    """What one study tells of another.

    Attributes
    ----------
    first, second : str
        Names of the studies.
    verdict : Transfer
        What it comes to.
    levels, factors : int
        How many are compared.
    seeds : tuple of int
        How many of each study are compared, none of them in both.
    rho, ceiling : Correlation
        Of the orders of the effects, and what noise would allow.
    shown, same : int
        Effects that the first shows, and how many of them have the same direction in the second.
    expected : float
        How many would have, if directions were independent.
    same_directions : bool
        Whether there are more than that, beyond chance.
    plot : str
        Of the effects of one against those of the other, in the folder of the comparison.
    """

    first: str
    second: str
    verdict: Transfer
    levels: int
    factors: int
    seeds: tuple[int, int]
    rho: Correlation
    ceiling: Correlation
    shown: int
    same: int
    expected: float
    same_directions: bool
    plot: str

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first} and {self.second}"

    @classmethod
    def from_json(cls, content: Json) -> "PairFinding":
        """Read what `asdict` gave."""
        first, second = (int(seeds) for seeds in content["seeds"])
        return cls(
            first=str(content["first"]),
            second=str(content["second"]),
            verdict=Transfer(content["verdict"]),
            levels=int(content["levels"]),
            factors=int(content["factors"]),
            seeds=(first, second),
            rho=_correlation(content["rho"]),
            ceiling=_correlation(content["ceiling"]),
            shown=int(content["shown"]),
            same=int(content["same"]),
            expected=float(content["expected"]),
            same_directions=bool(content["same_directions"]),
            plot=str(content["plot"]),
        )


def write_findings(found: StudyFindings | Sequence[PairFinding], folder: Path) -> None:
    """Write what was found to a folder."""
    content = asdict(found) if isinstance(found, StudyFindings) else [asdict(pair) for pair in found]
    text = json.dumps(_without_nan(content), indent=1, ensure_ascii=False) + "\n"
    (folder / VERDICTS).write_text(text, encoding="utf-8")


def read_study_findings(folder: Path) -> StudyFindings:
    """Read what was found in a study.

    Raises
    ------
    InputError
        If there is no such file, or it is damaged.
    """
    return _read(folder / VERDICTS, StudyFindings.from_json)


def read_pair_findings(folder: Path) -> list[PairFinding]:
    """Read what was found between studies; see `read_study_findings`."""
    return _read(folder / VERDICTS, _pairs)


def _pairs(content: Any) -> list[PairFinding]:
    if not isinstance(content, list) or not content:
        raise ValueError("no pairs of studies")
    return [PairFinding.from_json(pair) for pair in content]


def _without_nan(content: Any) -> Any:
    """Return what JSON can hold: nothing for NaN, and numbers in the digits in which machines agree."""
    match content:
        case dict():
            return {name: _without_nan(part) for name, part in content.items()}
        case list() | tuple():
            return [_without_nan(part) for part in content]
        case float():
            return None if math.isnan(content) else round(content, DECIMALS)
    return content


def _read(file: Path, parse: Callable[[Any], Found]) -> Found:
    try:
        return parse(json.loads(file.read_bytes()))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}; allowed: what was published") from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{file} is damaged or not what was written there ({in_one_line(error)})") from error


def _estimate(content: Json) -> Estimate:
    value, low, high = (_number(content[name]) for name in ("value", "low", "high"))
    return Estimate(value, low, high, int(content["seeds"]), int(content["architectures"]))


def _correlation(content: Json) -> Correlation:
    return Correlation(*(_number(content[name]) for name in ("value", "low", "high")))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)

"""What a study shows of each factor: a claim, and the levels that it is true of."""

from collections.abc import Iterable
from dataclasses import dataclass

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.numbers import marked, marks, seeds_note, with_interval
from supernet_bench.analysis.pages.words import CLAIMS, SIZES
from supernet_bench.analysis.verdicts import ENOUGH_PAIRS, beyond_size, verdict
from supernet_bench.core.output import count


@dataclass(frozen=True)
class Finding:
    """A sentence and the levels that it is true of."""

    claim: str
    levels: tuple[str, ...]


def reading(effects: Effects, factor: str) -> list[Finding]:
    """Return what a study shows about a factor, with whether that survives the correction for all its comparisons."""
    corrected = f"when corrected for {count(len(effects.comparisons), 'comparison')} (Holm)"
    found = {
        _level(effect): CLAIMS[verdict(effect.difference)].format(corrected=corrected)
        for effect in effects.of_factor(factor)
        if effect.difference
    }
    return _grouped(found, (claim.format(corrected=corrected) for claim in CLAIMS.values()))


def size_reading(effects: Effects, factor: str) -> list[Finding]:
    """Return whether the levels of a factor that change tau do more than to prefer larger or smaller networks."""
    enough = effects.equal_size_pairs >= ENOUGH_PAIRS
    found = {}
    for effect in effects.of_factor(factor):
        size = beyond_size(effect.differences, effects.equal_size_pairs) if effect.difference else None
        if size:
            found[_size(effect, enough)] = SIZES[size]
    return _grouped(found, SIZES.values())


def _grouped(found: dict[str, str], claims: Iterable[str]) -> list[Finding]:
    """Return the claims that are true of any level, in their order."""
    lists = {claim: tuple(level for level, said in found.items() if said == claim) for claim in claims}
    return [Finding(claim, levels) for claim, levels in lists.items() if levels]


def _size(effect: Effect, enough: bool) -> str:
    shown = {
        "given parameters": "partial_tau",
        **({"among equal sizes": "tau_equal_size"} if enough else {}),
        "with parameters": "tau_parameters",
    }
    found = {text: effect.differences[name] for text, name in shown.items()}
    texts = (f"{text} {with_interval(difference, '+')}{marks(difference)}" for text, difference in found.items())
    return f"{marked(effect.level)}: {', '.join(texts)}"


def _level(effect: Effect) -> str:
    difference = effect.difference
    value = f" {with_interval(difference, '+')}{marks(difference)}" if difference and difference.seeds else ""
    return f"{marked(effect.level)}{value}, {seeds_note(effect)}"

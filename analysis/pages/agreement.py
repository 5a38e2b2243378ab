"""The page that says whether studies agree: what a cheap one tells of a dear one."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from supernet_bench.analysis.effects.effects import Effect
from supernet_bench.analysis.effects.pairs import Pair
from supernet_bench.analysis.findings import PairFinding
from supernet_bench.analysis.numbers import correlation, interval, marked, marks, number
from supernet_bench.analysis.pages.tables import Table
from supernet_bench.analysis.pages.templating import paragraphs, render

Row = dict[str, object]


def conclusion(found: PairFinding) -> str:
    """Return in one sentence what a user may conclude from the first study about the second."""
    (sentence,) = paragraphs("conclusion", found=found)
    return sentence


def order(pair: Pair) -> str:
    """Return how well the orders of the effects agree."""
    found = pair.agreement
    return f"rho {correlation(found.rho)}" if found.computed else "not computed"


def agreement_page(pairs: Sequence[tuple[PairFinding, Pair]]) -> str:
    """Return the page about pairs of studies."""
    parts = [(found, pair, conclusion(found), _lines(found, pair), _table(pair)) for found, pair in pairs]
    return render("agreement.md.jinja", parts=parts, notes=paragraphs("agreement_notes"))


def _lines(found: PairFinding, pair: Pair) -> list[str]:
    """Return what one study tells of the other, in numbers."""
    directions = {"before": pair.directions(), "after": pair.directions(corrected=True)}
    return paragraphs("agreement", found=found, pair=pair, order=order(pair), directions=directions)


def _table(pair: Pair) -> Table:
    names = (pair.first.name, pair.second.name)
    header = ("factor", "level", names[0], "95 %", "seeds", names[1], "95 %", "seeds")
    rows = tuple((one.level.factor, marked(one.level), *_cells(one), *_cells(other)) for one, other in pair.levels)
    return Table("Differences in tau to the baseline of each study, in the order of the first", header, rows, 2)


def _cells(effect: Effect) -> tuple[str, str, str]:
    difference = effect.difference
    assert difference
    return number(difference.value, "+"), interval(difference, "+") + marks(difference), str(difference.seeds)


def level_rows(pair: Pair) -> Iterator[Row]:
    """Yield the numbers of every common level."""
    for both in pair.levels:
        row: Row = {"first": pair.first.name, "second": pair.second.name}
        row |= {"factor": both[0].level.factor, "level": both[0].level.name}
        for which, effect in zip(("first", "second"), both, strict=True):
            difference = effect.difference
            assert difference
            row |= {
                f"{which}_difference": difference.value,
                f"{which}_low": difference.low,
                f"{which}_high": difference.high,
                f"{which}_holm": difference.adjusted,
                f"{which}_seeds": difference.seeds,
            }
        yield row


def pair_row(found: PairFinding, pair: Pair) -> Row:
    """Return the numbers of a pair."""
    agreement = pair.agreement
    row: Row = {"first": found.first, "second": found.second}
    row |= {"levels": found.levels, "factors": found.factors, "left_out": agreement.left_out}
    seeds = zip(("first", "second"), agreement.seeds, strict=True)
    row |= {f"{which}_seeds": " ".join(map(str, used)) for which, used in seeds}
    measured = {"rho": agreement.rho, "tau": agreement.tau}
    measured |= {"first_self": agreement.selves[0], "second_self": agreement.selves[1], "ceiling": agreement.ceiling}
    for name, one in measured.items():
        row |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    row |= dict(zip(("second_positive", "second_negative"), pair.signs, strict=True))
    for prefix, directions in (("", pair.directions()), ("corrected_", pair.directions(corrected=True))):
        row |= {f"{prefix}{name}": value for name, value in asdict(directions).items()}
    return row | {"conclusion": conclusion(found), "plot": found.plot}

"""What a study trained and scored, in words, from a record of its baseline."""

from collections.abc import Mapping
from typing import Any

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.numbers import count
from supernet_bench.analysis.results import Results
from supernet_bench.records.run import RunRecord

TAU = (
    "Kendall's tau-b compares every pair of architectures: 1 if the supernet orders all of them as the published "
    "accuracies do, 0 if it orders them like chance, -1 if it orders all the other way round."
)


def introduction(results: Results, effects: Effects) -> list[str]:
    """Return the paragraphs without which a newcomer could not read the numbers."""
    manifest, attributes = results.manifest, results.reference.attrs
    truth = (
        f"The ranking of {count(len(effects.truth), 'architecture')} by the accuracy that they have with the weights "
        f"of a supernet is compared with the ranking by the published accuracies {results.target} of "
        f"{attributes.get('table', 'an unnamed table')}, which are of networks trained alone on the images in that "
        f"name; the supernets here were trained on {manifest.images}."
    )
    record = results.example
    if record is None:
        return [f"Supernets of {manifest.space}, images {manifest.images}; the baseline has no record yet.", truth, TAU]
    return [_trained(record), _scored(record), _baseline(record), truth, TAU]


def _trained(record: RunRecord) -> str:
    training = _settings(record.part("training"), without=("epochs", "batch_size"))
    epochs, batch = (record.part("training").get(name, "?") for name in ("epochs", "batch_size"))
    return (
        f"Supernets of {_named(record.part('space'))} were trained on the images {_named(record.part('images'))}, "
        f"epochs: {epochs}, batch size: {batch}{f', {training}' if training else ''}."
    )


def _scored(record: RunRecord) -> str:
    late = ", ".join(str(checkpoint.epoch) for checkpoint in record.checkpoints if checkpoint.late)
    scoring = _settings(record.part("scoring"), without=())
    return (
        f"Every run scored the same {count(len(record.architectures), 'architecture')}. Its metrics are means over "
        f"its late checkpoints, after epoch: {late or 'none'}{f' ({scoring})' if scoring else ''}."
    )


def _baseline(record: RunRecord) -> str:
    """Return the settings of the heuristics of the baseline; code of an older day knew fewer heuristics."""
    named = {factor: _named(setting) for factor, setting in record.heuristics.items()}
    heuristics = [name if name.split(" ")[0] == factor else f"{factor}: {name}" for factor, name in named.items()]
    return f"Heuristics of the baseline: {'; '.join(heuristics) or 'unknown'}. What is not listed was off."


def _named(part: Mapping[str, Any]) -> str:
    """Return the name and the settings of a space, images or a heuristic."""
    settings = _settings(part, without=("name",))
    return f"{part.get('name', 'unknown')}{f' ({settings})' if settings else ''}"


def _settings(part: Mapping[str, Any], without: tuple[str, ...]) -> str:
    shown = {name: value for name, value in part.items() if name not in without}
    return ", ".join(
        f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in shown.items()
    )

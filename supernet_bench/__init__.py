"""Supernet training and search under toggled heuristics, measured on tabular benchmark spaces.

A study, from its file to its effects:

>>> from pathlib import Path
>>> from supernet_bench import effects, load_results, load_study, run
>>> size = Path("mine.toml").write_text('''
... seeds = 2
... space.name = "toy"
... images.name = "digits"
... training.epochs = 2
... scoring.architectures = 20
... factors.path_dropout = [{rate = 0.3}]
... ''')
>>> run(load_study("mine.toml"))
[]
>>> [(effect.level.name, effect.tau.seeds) for effect in effects(load_results("mine")).levels]
[('baseline', 2), ('rate=0.0', 2), ('rate=0.3', 2)]

`scores_of` has scores from anywhere stand beside a study: `effects(results, others=[scores_of(results, ...)])`;
`frame_report(frame)` makes a report of scores in a pandas frame alone; `rank_correlation` and `paired_difference` need
no study either. A plug-in of your own inherits from `Heuristic`, `TrainableSpace` (or `Space`, a table without
networks), `ImageSource` or `Proxy`; `check_plugin` says what is wrong with it. `proxy_scores` scores a whole space by
proxies.
What cannot be used raises `InputError`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from supernet_bench.analysis.effects.arrays import paired_difference, rank_correlation
    from supernet_bench.analysis.effects.estimate import compute_effects as effects
    from supernet_bench.analysis.ranking.scores import scores_of
    from supernet_bench.api import check_plugin, load_results, proxy_scores, run
    from supernet_bench.benchmark.study.study import load_study
    from supernet_bench.core.errors import InputError
    from supernet_bench.heuristics.base import Heuristic
    from supernet_bench.images.base import ImageSource
    from supernet_bench.imports.frame import frame_report
    from supernet_bench.proxies.base import Proxy
    from supernet_bench.spaces.base import Space, TrainableSpace

    __version__: str

__all__ = [
    "Heuristic",
    "ImageSource",
    "InputError",
    "Proxy",
    "Space",
    "TrainableSpace",
    "__version__",
    "check_plugin",
    "effects",
    "frame_report",
    "load_results",
    "load_study",
    "paired_difference",
    "proxy_scores",
    "rank_correlation",
    "run",
    "scores_of",
]

_PLACES = {
    "Heuristic": "heuristics.base:Heuristic",
    "ImageSource": "images.base:ImageSource",
    "InputError": "core.errors:InputError",
    "Proxy": "proxies.base:Proxy",
    "Space": "spaces.base:Space",
    "TrainableSpace": "spaces.base:TrainableSpace",
    "__version__": "core.versions:NUMBER",
    "check_plugin": "api:check_plugin",
    "effects": "analysis.effects.estimate:compute_effects",
    "frame_report": "imports.frame:frame_report",
    "load_results": "api:load_results",
    "load_study": "benchmark.study.study:load_study",
    "paired_difference": "analysis.effects.arrays:paired_difference",
    "proxy_scores": "api:proxy_scores",
    "rank_correlation": "analysis.effects.arrays:rank_correlation",
    "run": "api:run",
    "scores_of": "analysis.ranking.scores:scores_of",
}


def __dir__() -> list[str]:
    """Return the names of the API, for those who complete them."""
    return [*__all__]


def __getattr__(name: str) -> Any:
    """Return what is asked for, imported only then: PyTorch takes seconds, and not every machine has pandas."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), attribute)

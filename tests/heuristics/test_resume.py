"""A run under any heuristic repeats and resumes bit for bit: what changes in training is seeded, or in its state."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.plugins.contracts import Mistake
from supernet_bench.benchmark.plugins.registry import heuristic_types
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.settings import values_of
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.records.store import Store
from supernet_bench.spaces.toy import Toy
from supernet_bench.testing.heuristics import check_resumes
from tests.heuristics.levels import SPACES, acting

TYPES = heuristic_types()


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_resumes(toy_spec, tmp_path: Path, kind) -> None:
    spec = toy_spec({kind.name: values_of(acting(kind))}, space=SPACES.get(kind.name, "toy"))
    data = spec.load_images(None)
    truth = Toy().truth
    check_resumes(lambda: Trainer(spec, data, torch.device("cpu"), truth=truth), Store(tmp_path))


@dataclass
class Faulty(Heuristic):
    """A heuristic with one of the faults that the comparison is there to find."""

    fault: str

    name, factor, order = "faulty", "faulty", 200

    def begin(self, task) -> None:
        self.seen = 0
        self.random = np.random.default_rng()

    def loss(self, loss, logits, labels, step):
        self.seen += 1
        return loss * (1 + (self.seen if self.fault == "forgets" else self.random.random()))


@pytest.mark.parametrize("fault", ["forgets", "draws from a generator without a seed"])
def test_the_comparison_finds_faults(toy_spec, tmp_path: Path, fault: str) -> None:
    spec = toy_spec()
    data = spec.load_images(None)

    def make() -> Trainer:
        heuristics = Composition([*spec.fresh_heuristics(), Faulty(fault)])
        return Trainer(spec, data, torch.device("cpu"), heuristics)

    with pytest.raises(Mistake):
        check_resumes(make, Store(tmp_path))

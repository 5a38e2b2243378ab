"""What a checkpoint cannot hold is refused when it is saved, by plug-in and key."""

import json
from collections import Counter, OrderedDict, deque
from enum import IntEnum
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from supernet_bench.benchmark.execution.worker import result
from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.core.states import check_state
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.records.store import Store

CPU = torch.device("cpu")


class Colour(IntEnum):
    RED = 1


class Named(str):
    pass


GOOD = {
    "tensor": torch.arange(3),
    "parameter": nn.Parameter(torch.ones(2)),
    "numbers": [True, 3, 2**70, 0.5, float("inf"), 2j],
    "texts": ("a", b"b", None),
    "set": {1, 2},
    "size": torch.Size([1, 2]),
    "ordered": OrderedDict(a=1),
    "empty": [{}, (), []],
    3: {(1, "a"): 2.0},
}

BAD = {
    "double": (np.float64(1.0), "numpy.float64"),
    "int": (np.int64(3), "numpy.int64"),
    "array": (np.ones(2), "numpy.ndarray"),
    "enumeration": (Colour.RED, "Colour"),
    "text": (Named("a"), "Named"),
    "path": (Path("a"), "Path"),
    "deque": (deque([1]), "deque"),
    "counter": (Counter("a"), "Counter"),
    "generator": (torch.Generator(), "Generator"),
    "module": (nn.Linear(1, 1), "Linear"),
    "function": (print, "builtin_function_or_method"),
    "very large": (2**5000, "builtins.int"),
}


def test_what_is_allowed_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_checkpoint("x", {"state": GOOD})
    read = store.read_checkpoint("x")["state"]
    assert torch.equal(read.pop("tensor"), GOOD["tensor"])
    assert torch.equal(read.pop("parameter"), GOOD["parameter"])
    assert read == {key: value for key, value in GOOD.items() if key not in ("tensor", "parameter")}


@pytest.mark.parametrize(("value", "kind"), BAD.values(), ids=BAD)
def test_what_is_not_is_named_and_nothing_is_written(tmp_path: Path, value: object, kind: str) -> None:
    store = Store(tmp_path)
    with pytest.raises(InputError, match=rf"state of run x: \['deep'\]\[1\]\['key'\] is .*{kind}\); allowed: tensors"):
        store.write_checkpoint("x", {"deep": [0, {"key": value}]})
    assert not list(tmp_path.rglob("*.pt*"))


def test_what_is_attached_to_a_tensor_is_stored_too() -> None:
    tensor = torch.ones(1)
    tensor.note = "short"  # type: ignore[attr-defined]
    check_state(tensor, "mine")
    tensor.note = np.float64(1)  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"mine: .__dict__\['note'\] is np.float64\(1.0\)"):
        check_state(tensor, "mine")


def test_a_key_that_cannot_be_stored_is_named() -> None:
    with pytest.raises(InputError, match=r"mine: \['a'\], key np.int64\(3\) is np.int64\(3\) \(numpy.int64\); allowed"):
        check_state({"a": {np.int64(3): 1}}, "mine")


class Counts(Heuristic):
    """Counts in NumPy's numbers, from the first step on."""

    name, factor, early = "counts", "counts", False

    def begin(self, task) -> None:
        self.seen = np.int64(0) if self.early else 0

    def loss(self, loss, logits, labels, step):
        self.seen = self.seen + np.int64(1)
        return loss

    def state_dict(self):
        return {"seen": self.seen}


def trainer_of(spec, heuristic: Heuristic) -> Trainer:
    return Trainer(spec, spec.images.load(), CPU, Composition([*spec.fresh_heuristics(), heuristic]))


def test_the_plug_in_and_the_key_are_named_before_training_if_it_is_seen_then(toy_spec) -> None:
    heuristic = Counts()
    heuristic.early = True
    named = r"heuristic \S*test_states.Counts: \['seen'\] is np.int64\(0\) \(numpy.int64\); allowed: "
    with pytest.raises(InputError, match=named):
        trainer_of(toy_spec(), heuristic)


def test_the_plug_in_and_the_key_are_named_when_the_state_is_saved(toy_spec) -> None:
    trainer = trainer_of(toy_spec(), Counts())
    trainer._train_epoch()
    with pytest.raises(InputError, match=r"heuristic \S*test_states.Counts: \['seen'\] is np.int64\(6\)"):
        trainer.state_dict()


class FromNumpy(Heuristic):
    """Returns NumPy's numbers wherever a number is asked for."""

    name, factor, order = "from_numpy", "from_numpy", 200

    def learning_rate(self, rate, step):
        return np.float32(0.05)

    def weight_decay(self, decay, module):
        return np.float64(1e-4)

    def iteration(self, index, total_steps):
        return np.int64(0), np.int64(total_steps)

    def steps_per_epoch(self, batches, space):
        return np.int64(batches - 1)

    def training_images(self, images):
        return np.int64(images - 1)


def test_numbers_of_numpy_that_hooks_return_can_be_saved_and_recorded(toy_spec, tmp_path: Path) -> None:
    spec, store = toy_spec(training={"epochs": 1}), Store(tmp_path)
    trainer = trainer_of(spec, FromNumpy())
    trainer.run()
    store.write_checkpoint("x", trainer.state_dict())
    assert store.read_checkpoint("x")["optimiser"]["param_groups"][0]["lr"] == np.float32(0.05)
    assert json.loads(json.dumps(result(spec, trainer, None).to_json()))["curve"] == trainer.curve
    assert trainer.steps_per_epoch == 4  # 95 images are 5 batches of 16.

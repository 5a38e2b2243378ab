"""Behaviour of the number of channels."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.width import Width
from supernet_bench.spaces.toy import Toy


@pytest.mark.parametrize(("scale", "channels"), [(0.5, 2), (1.0, 4), (2.0, 8), (0.01, 1)])
def test_the_supernet_has_that_many_channels(toy_spec, scale: float, channels: int) -> None:
    spec = toy_spec({"width": {"scale": scale}})
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
    assert trainer.supernet.classifier.in_features == channels
    trainer.run()
    assert len(trainer.checkpoints[-1]["accuracy"]) == 8


def test_other_settings_of_the_space_stay(toy_spec) -> None:
    spec = toy_spec({"width": {"scale": 2.0}}, space={"name": "nasbench201", "width": 16, "cells": 3})
    assert (spec.revised().space.width, spec.revised().space.cells) == (32, 3)


@dataclass(frozen=True)
class FixedWidth:
    name: ClassVar[str] = "fixed"


def test_a_space_of_fixed_width_allows_no_other(toy_spec) -> None:
    setup = replace(toy_spec().setup, space=FixedWidth())
    assert Width().revise(setup) == setup
    with pytest.raises(InputError, match=r"width\.scale is 2\.0; allowed: 1\.0, since space fixed has no setting"):
        Width(scale=2.0).revise(setup)


def test_the_architectures_and_their_truth_stay(toy_spec) -> None:
    space = toy_spec({"width": {"scale": 2.0}}).revised().space
    assert (space.architectures == Toy().architectures).all()
    assert (space.truth().columns["toy_valid"] == Toy().truth().columns["toy_valid"]).all()

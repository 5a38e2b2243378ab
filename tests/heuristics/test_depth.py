"""Behaviour of the number of cells."""

import pytest
import torch

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError

SMALL = {"name": "nasbench201", "width": 2, "cells": 2}


@pytest.mark.parametrize(("scale", "cells"), [(0.5, 1), (1.0, 2), (1.5, 3), (3.0, 6), (0.01, 1)])
def test_the_supernet_has_that_many_cells_in_each_of_its_three_stages(toy_spec, scale: float, cells: int) -> None:
    spec = toy_spec({"depth": {"scale": scale}}, space=SMALL, training={"epochs": 0})
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
    assert len(trainer.supernet.cells) in (3 * cells, 3 * cells + 2)  # with or without the two reductions
    assert trainer.spec.space.cells == cells
    assert trainer.spec.space.width == 2


def test_a_space_without_cells_allows_no_other_depth(toy_spec) -> None:
    toy_spec({"depth": {"scale": 1.0}}, space="nasbench_macro")
    message = r"^heuristics\.depth\.scale is 2\.0; allowed: 1\.0, since space nasbench_macro has no setting 'cells'$"
    with pytest.raises(InputError, match=message):
        toy_spec({"depth": {"scale": 2.0}}, space="nasbench_macro")

"""Costs computed for all architectures at once equal those of networks that are built."""

from dataclasses import fields, replace
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from supernet_bench.spaces.base import Construction, TrainableSpace
from supernet_bench.testing.networks import count_macs


@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_costs_are_those_of_the_built_network(trainable: Any, data: st.DataObject) -> None:
    values = {field.name: data.draw(st.integers(1, 3), label=field.name) for field in fields(trainable)}
    chosen = replace(trainable, **values)
    in_channels, classes, resolution = (data.draw(st.integers(low, high)) for low, high in ((1, 3), (2, 12), (8, 17)))
    index = data.draw(st.integers(0, chosen.size - 1))
    costs = chosen.costs(in_channels, classes, resolution)
    network = chosen.standalone(chosen.architecture(index), in_channels, classes, Construction()).eval()
    assert costs.parameters[index] == sum(weight.numel() for weight in network.parameters())
    assert costs.macs[index] == count_macs(network, torch.zeros(1, in_channels, resolution, resolution))


def test_published_costs_are_those_of_the_published_settings(trainable: TrainableSpace) -> None:
    index = trainable.size - 2
    channels, resolution = {"toy": (1, 8)}.get(trainable.name, (3, 32))
    network = trainable.published().standalone(trainable.architecture(index), channels, 10, Construction()).eval()
    costs = trainable.published_costs()
    assert costs.parameters.shape == costs.macs.shape == (trainable.size,)
    assert costs.parameters[index] == sum(weight.numel() for weight in network.parameters())
    assert costs.macs[index] == count_macs(network, torch.zeros(1, channels, resolution, resolution))


def test_every_setting_has_help_and_a_lowest_value(space: Any) -> None:
    for field in fields(space):
        assert field.metadata["help"]
        assert field.metadata["low"] <= field.default

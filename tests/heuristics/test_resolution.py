"""Behaviour of the size of the images."""

import pytest
import torch

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.resolution import Resolution


def test_images_are_smaller_in_training_and_in_scoring(toy_spec) -> None:
    spec = toy_spec({"resolution": {"scale": 0.5}})
    trainer = Trainer(spec, spec.revised().images.load(), torch.device("cpu"))
    sides: dict[bool, set[torch.Size]] = {True: set(), False: set()}
    trainer.supernet.register_forward_pre_hook(lambda net, inputs: sides[net.training].add(inputs[0].shape[-2:]))
    trainer.run()
    assert sides == {True: {torch.Size([4, 4])}, False: {torch.Size([4, 4])}}


@pytest.mark.parametrize(("crop", "expected"), [(4, 2), (1, 1), (0, 0)])
def test_the_padding_of_crops_shrinks_too(toy_spec, crop: int, expected: int) -> None:
    spec = toy_spec({"resolution": {"scale": 0.5}}, images={"crop": crop})
    assert spec.revised().images.crop == expected


def test_which_images_are_used_stays(toy_spec) -> None:
    large, small = toy_spec().images.load(), toy_spec({"resolution": {"scale": 0.5}}).revised().images.load()
    assert torch.equal(large.valid.labels, small.valid.labels)
    means = torch.nn.functional.avg_pool2d(large.valid.images.float(), 2).round().to(torch.uint8)
    assert torch.equal(means, small.valid.images)


@pytest.mark.parametrize(("scale", "made"), [(0.25, "2"), (0.3, r"2\.4")])
def test_a_resolution_that_cannot_be_had_is_refused(toy_spec, scale: float, made: str) -> None:
    message = (
        rf"^heuristics\.resolution\.scale is {scale}, which makes images\.resolution {made}; allowed: .*4, 8, 16, 32$"
    )
    with pytest.raises(InputError, match=message):
        toy_spec({"resolution": {"scale": scale}})


def test_images_of_one_resolution_allow_no_other(toy_spec) -> None:
    from dataclasses import dataclass, replace

    @dataclass(frozen=True)
    class Fixed:
        name = "fixed"

    setup = replace(toy_spec().setup, images=Fixed())
    assert Resolution().revise(setup) == setup
    with pytest.raises(InputError, match=r"resolution\.scale is 0\.5; allowed: 1\.0, since fixed have one resolution"):
        Resolution(scale=0.5).revise(setup)

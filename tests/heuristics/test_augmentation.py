"""Behaviour of the augmentation of training images."""

from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.augmentation import Augmentation, cut_out
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.images._pixels import PixelAugmentation
from supernet_bench.images.base import ImageSource
from supernet_bench.images.cifar10 import Cifar10
from supernet_bench.images.digits import Digits
from tests.heuristics.steps import step

CPU = torch.device("cpu")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cut(images: Tensor, index: int = 0) -> Tensor:
    return Augmentation(cutout=True).on_images(images, step(index))


def expected_share(resolution: int, side: int) -> float:
    """Return the expected share of zeroed pixels, from all places that the centre can be in."""
    lengths = [min(centre + side // 2, resolution) - max(centre - side // 2, 0) for centre in range(resolution)]
    return (sum(lengths) / resolution**2) ** 2


@pytest.mark.parametrize("resolution", [4, 8, 32])
def test_share_of_zeroed_pixels(resolution: int) -> None:
    """A quarter would be zero if the square never reached over the border."""
    zero = cut(torch.ones(20_000, 1, resolution, resolution)) == 0
    assert expected_share(resolution, resolution // 2) < 0.2
    assert zero.double().mean().item() == pytest.approx(expected_share(resolution, resolution // 2), rel=0.02)


def test_the_hole_is_one_square_through_all_channels_clipped_at_the_border() -> None:
    zero = cut(torch.ones(500, 3, 32, 32)) == 0
    assert torch.equal(zero, zero[:, :1].expand_as(zero))
    rows, columns = zero[:, 0].any(2), zero[:, 0].any(1)
    assert torch.equal(zero[:, 0], rows[:, :, None] & columns[:, None, :])
    for stretch in (*rows, *columns):
        inside = stretch.nonzero().flatten().tolist()
        assert all(after == before + 1 for before, after in pairwise(inside))
        assert len(inside) == 16 or (8 <= len(inside) < 16 and (inside[0] == 0 or inside[-1] == 31))
    assert {int(stretch.sum()) for stretch in rows} == set(range(8, 17))


def test_the_centre_is_uniform_over_pixels_and_independent_in_rows_and_columns() -> None:
    """With 8 pixels each of the 64 centres has a hole of its own."""
    images = 12_800
    zero = cut_out(torch.ones(images, 1, 8, 8), 4, generator())[:, 0] == 0
    _, counts = zero.flatten(1).unique(dim=0, return_counts=True)
    assert len(counts) == 64
    # chi-squared with 63 degrees of freedom: 103.4 is exceeded once in a thousand seeds, and the seed is fixed
    assert ((counts - images / 64) ** 2 / (images / 64)).sum() < 103.4


def test_other_pixels_stay_and_the_input_is_not_changed() -> None:
    images = torch.randn(40, 3, 8, 8, generator=generator())
    before = images.clone()
    result = cut(images)
    assert torch.equal(images, before)
    assert torch.equal(result[result != 0], images[result != 0])
    assert (result == 0).flatten(1).any(1).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_type_and_memory_format_are_kept(dtype: torch.dtype) -> None:
    images = torch.randn(4, 3, 8, 8).to(dtype).contiguous(memory_format=torch.channels_last)
    result = cut(images)
    assert result.dtype == dtype
    assert result.stride() == images.stride()


def test_steps_differ_and_can_be_repeated() -> None:
    images = torch.ones(10, 1, 8, 8)
    assert torch.equal(cut(images, 3), cut(images, 3))
    assert not torch.equal(cut(images, 3), cut(images, 4))


def test_without_cutout_images_are_passed_on() -> None:
    images = torch.ones(10, 1, 8, 8)
    assert Augmentation(policy="crop_flip").on_images(images, step(0)) is images


@pytest.mark.parametrize(
    ("policy", "resolution", "crop", "flip"),
    [
        ("none", 8, 0, False),
        ("crop_flip", 4, 1, True),
        ("crop_flip", 8, 1, True),
        ("own", 8, 3, False),
    ],
)
def test_the_trainer_varies_images_by_the_policy(toy_spec, policy: str, resolution: int, crop: int, flip: bool) -> None:
    spec = toy_spec({"augmentation": {"policy": policy}}, images={"crop": 3, "resolution": resolution})
    assert Trainer(spec, spec.images.load(), CPU)._augment == PixelAugmentation(crop=crop, flip=flip)


@pytest.mark.parametrize(("resolution", "crop"), [(32, 4), (16, 2), (8, 1)])
def test_the_padding_is_an_eighth_of_the_side(toy_spec, resolution: int, crop: int) -> None:
    setup = replace(toy_spec().setup, images=Cifar10(resolution=resolution, crop=7, flip=False))
    images = Augmentation(policy="crop_flip").revise(setup).images
    assert images == Cifar10(resolution=resolution, crop=crop, flip=True)


def test_the_padding_is_that_of_the_resolution_which_is_run(toy_spec) -> None:
    class Halve(Heuristic):
        name, factor = "halve", "halve"

        def revise(self, setup):
            return replace(setup, images=replace(setup.images, resolution=setup.images.resolution // 2))

    setup = replace(toy_spec().setup, images=Cifar10())
    revised = Composition([Augmentation(policy="crop_flip"), Halve()]).fold(Heuristic.revise, setup)
    assert revised.images == Cifar10(resolution=16, crop=2, flip=True)


def test_cutout_alone_leaves_the_images_their_own_policy(toy_spec) -> None:
    spec = toy_spec({"augmentation": {"cutout": True}}, images={"crop": 2, "flip": True})
    assert spec.revised().images == spec.images


@dataclass(frozen=True)
class Unsized(ImageSource):
    """Images whose size is not a setting."""

    name, source = "unsized", "none"
    crop: int = 1
    flip: bool = False

    def load(self, folder=None):
        return Digits(train=96, valid=32).load(folder)


def test_images_without_a_resolution_know_no_padding(toy_spec) -> None:
    setup = replace(toy_spec().setup, images=Unsized())
    with pytest.raises(InputError, match=r"policy is 'crop_flip'; allowed for images unsized.*: 'own', 'none'"):
        Augmentation(policy="crop_flip").revise(setup)
    assert Augmentation(policy="none").revise(setup).images == Unsized(crop=0)
    assert Augmentation(cutout=True).revise(setup) is setup


def test_only_training_images_are_cut(toy_spec) -> None:
    """No pixel is as bright as the mean that is given here, so only holes are zero after normalisation."""
    holes: dict[bool, list[float]] = {True: [], False: []}

    def look(module, inputs) -> None:
        holes[module.training].append((inputs[0] == 0).double().mean().item())

    spec = toy_spec({"augmentation": {"policy": "none", "cutout": True}}, scoring={"checkpoints": 1})
    data = spec.images.load()
    data = replace(data, mean=torch.full_like(data.mean, 0.123), std=torch.ones_like(data.std))
    trainer = Trainer(spec, data, CPU)
    trainer.supernet.register_forward_pre_hook(look)
    trainer.run()
    assert len(holes[True]) == 18
    assert sum(holes[True]) / 18 == pytest.approx(expected_share(8, 4), rel=0.15)
    assert len(holes[False]) == 8
    assert set(holes[False]) == {0.0}

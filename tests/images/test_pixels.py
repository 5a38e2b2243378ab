"""Random crops, mirror images and normalisation of batches."""

import pytest
import torch
from torch import Tensor

from supernet_bench.images._pixels import PixelAugmentation, channel_statistics, normalise

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")),
]


def pictures(batch: int, channels: int = 3, height: int = 6, width: int = 5) -> Tensor:
    """Random pictures without black pixels, so that padding can be told apart."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(1, 256, (batch, channels, height, width), generator=generator, dtype=torch.uint8)


def generator(device: str = "cpu", seed: int = 0) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def variations(picture: Tensor, crop: int, flip: bool) -> dict[tuple[int, int, bool], Tensor]:
    """Every window and mirror image of one picture [channels, height, width], cut one by one."""
    channels, height, width = picture.shape
    padded = torch.zeros(channels, height + 2 * crop, width + 2 * crop, dtype=picture.dtype)
    padded[:, crop : crop + height, crop : crop + width] = picture
    found = {}
    for top in range(2 * crop + 1):
        for left in range(2 * crop + 1):
            window = padded[:, top : top + height, left : left + width]
            found[top, left, False] = window
            if flip:
                found[top, left, True] = window.flip(-1)
    return found


def recognise(output: Tensor, picture: Tensor, crop: int, flip: bool) -> tuple[int, int, bool]:
    """Return which variation of `picture` the output is."""
    matching = [key for key, value in variations(picture, crop, flip).items() if torch.equal(value, output)]
    assert len(matching) == 1
    return matching[0]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("crop", "flip"), [(2, False), (0, True), (2, True)])
def test_each_output_is_a_variation_of_its_own_picture(device: str, crop: int, flip: bool) -> None:
    images = pictures(40)
    outputs = PixelAugmentation(crop, flip)(images.to(device), generator(device))
    assert outputs.dtype == torch.uint8
    assert outputs.shape == images.shape
    drawn = [recognise(output, image, crop, flip) for output, image in zip(outputs.cpu(), images, strict=True)]
    assert len(set(drawn)) > 1


def test_offsets_and_mirroring_are_uniform_and_independent_between_pictures() -> None:
    batch = 9000
    one = pictures(1)
    outputs = PixelAugmentation(crop=1, flip=True)(one.expand(batch, -1, -1, -1), generator())
    counts = {
        key: sum(torch.equal(output, value) for output in outputs) for key, value in variations(one[0], 1, True).items()
    }
    assert sum(counts.values()) == batch
    expected = batch / 18
    # chi-squared with 17 degrees of freedom: 40.8 is exceeded once in a thousand seeds, and the seed is fixed
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 40.8
    repeats = (outputs[1:] == outputs[:-1]).flatten(1).all(1).float().mean()
    assert 0.03 < repeats < 0.09, "one in 18 neighbours agrees by chance"


def test_draws_come_from_the_generator_alone() -> None:
    images = pictures(20)
    augmentation = PixelAugmentation(crop=2, flip=True)
    first = augmentation(images, generator())
    torch.manual_seed(99)
    assert torch.equal(augmentation(images, generator()), first)
    assert not torch.equal(augmentation(images, generator(seed=1)), first)


def test_input_is_not_changed() -> None:
    images = pictures(20)
    before = images.clone()
    PixelAugmentation(crop=2, flip=True)(images, generator())
    assert torch.equal(images, before)


def test_nothing_to_vary_returns_the_input_and_draws_nothing() -> None:
    images, source = pictures(4), generator()
    before = source.get_state()
    assert PixelAugmentation(crop=0, flip=False)(images, source) is images
    assert torch.equal(source.get_state(), before)


def test_normalised_pixels_have_zero_mean_and_unit_variance() -> None:
    images = pictures(50)
    normalised = normalise(images, *channel_statistics(images))
    assert normalised.dtype == torch.float32
    torch.testing.assert_close(normalised.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(normalised.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)


def test_normalisation_is_per_channel() -> None:
    images = torch.tensor([0, 255, 51], dtype=torch.uint8).reshape(1, 3, 1, 1)
    result = normalise(images, torch.tensor([0.0, 0.5, 0.1]), torch.tensor([1.0, 0.25, 0.1]))
    torch.testing.assert_close(result.flatten(), torch.tensor([0.0, 2.0, 1.0]))


def test_statistics_are_those_of_the_pixels() -> None:
    images = pictures(30)
    pixels = images.double() / 255
    mean, std = channel_statistics(images)
    torch.testing.assert_close(mean, pixels.mean((0, 2, 3)).float())
    torch.testing.assert_close(std, pixels.std((0, 2, 3), correction=0).float())

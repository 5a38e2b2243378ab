"""Sets of images hold to what is asked of one, and each thing asked is one that a set can fail."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from supernet_bench.benchmark.plugins.contracts import Mistake
from supernet_bench.core.errors import InputError
from supernet_bench.images.base import ImageData, Split
from supernet_bench.images.digits import Digits
from supernet_bench.testing.images import check_images

DATA = ImageData(
    train=Split(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 1, 2, 0])),
    valid=Split(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), torch.tensor([2, 1])),
    classes=3,
    mean=torch.zeros(1),
    std=torch.ones(1),
)


@dataclass(frozen=True)
class Made:
    """Images that are given."""

    data: Any = DATA
    train: int = 4
    valid: int = 2

    def load(self, folder: Path | None = None) -> ImageData:
        return self.data() if callable(self.data) else self.data


def of_train(**changed: Any) -> ImageData:
    return replace(DATA, train=replace(DATA.train, **changed))


FAULTS = {
    "another type": (Made(of_train(images=torch.zeros(4, 1, 8, 8))), "images in train of another form"),
    "sizes that differ": (Made(of_train(images=torch.zeros(4, 1, 4, 4, dtype=torch.uint8))), "valid of another form"),
    "no squares": (Made(of_train(images=torch.zeros(4, 1, 8, 4, dtype=torch.uint8))), "no squares"),
    "labels of another type": (Made(of_train(labels=torch.zeros(4))), "labels in train of another form"),
    "labels that are few": (Made(of_train(labels=torch.tensor([0]))), "labels in train of another form"),
    "labels beyond": (Made(of_train(labels=torch.tensor([0, 1, 2, 3]))), "beyond its classes"),
    "statistics of two channels": (Made(replace(DATA, mean=torch.zeros(2))), "gives a mean"),
    "another number": (Made(train=5), "gives 4 images in train; allowed: as many as it says, 5"),
    "other images each time": (Made(lambda: replace(DATA, mean=torch.rand(1))), "the second time"),
}


def test_what_is_right_is_not_found() -> None:
    check_images(Made())
    check_images(Digits(train=96, valid=32))


@pytest.mark.parametrize(("source", "reason"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_found(source: Made, reason: str) -> None:
    with pytest.raises(Mistake, match=reason):
        check_images(source)


def test_images_that_are_not_at_hand_are_no_fault() -> None:
    def load() -> ImageData:
        raise InputError("there are none")

    check_images(Made(load))

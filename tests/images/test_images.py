"""The image sets: splits, sizes, checks and errors."""

import hashlib
import io
import os
import pickle
import runpy
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from supernet_bench.core.errors import InputError
from supernet_bench.images import cifar10
from supernet_bench.images._order import balanced_order
from supernet_bench.images._pixels import shrink
from supernet_bench.images.base import ImageData
from supernet_bench.images.cifar10 import FOLDER, TRAINING_BATCHES, Cifar10, published_split
from supernet_bench.images.digits import IMAGES, Digits

Members = list[tuple[tarfile.TarInfo, bytes]]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SUPERNET_BENCH_CACHE", str(folder))
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)
    return folder


@pytest.fixture(scope="session")
def official(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the official `cifar-10-batches-py`."""
    pytest.importorskip("PIL", reason="pillow rebuilds CIFAR-10; the tests on its real images compared nothing")
    tool = shared_data.parent / "tools" / "unpack_cifar10.py"
    if not tool.exists():
        pytest.skip(f"{tool} is absent; the tests on the real images of CIFAR-10 compared nothing")
    folder = tmp_path_factory.mktemp("cifar10")
    runpy.run_path(str(tool))["main"](folder)
    (folder / FOLDER / "test_batch").unlink()  # validation must not need it
    return folder


class Python2Array:
    """An array that is pickled as Python 2 did it: the bytes of the array are a text."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __reduce__(self) -> tuple[object, ...]:
        reconstruct = self.array.__reduce__()[0]
        state = (1, self.array.shape, self.array.dtype, False, self.array.tobytes().decode("latin1"))
        return reconstruct, (np.ndarray, (0,), "b"), state


def python2_pickle(content: object) -> bytes:
    return pickle.dumps(content, protocol=2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with batches of the official structure; image i has pixels i modulo 128 and label i."""
    folder = tmp_path_factory.mktemp("fake")
    (folder / FOLDER).mkdir()
    for number, name in enumerate(TRAINING_BATCHES):
        index = np.arange(10_000 * number, 10_000 * (number + 1))
        pixels = np.repeat((index % 128).astype(np.uint8)[:, None], 3072, axis=1)
        content = {"batch_label": "fake", "labels": index.tolist(), "data": Python2Array(pixels)}
        (folder / FOLDER / name).write_bytes(python2_pickle(content))
    return folder


def accept(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Take the batches in `folder` for the official ones."""
    checksums = {path.name: md5(path.read_bytes()) for path in sorted((folder / FOLDER).iterdir())}
    monkeypatch.setattr(cifar10, "TRAINING_BATCHES", checksums)


def small_batches(folder: Path, content: bytes = b"batch") -> Path:
    (folder / FOLDER).mkdir(parents=True)
    for name in TRAINING_BATCHES:
        (folder / FOLDER / name).write_bytes(content)
    return folder


def accept_archive(monkeypatch: pytest.MonkeyPatch, path: Path, members: Members) -> None:
    """Write an archive and take it for the official one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(cifar10, "ARCHIVE", replace(cifar10.ARCHIVE, checksum=md5(path.read_bytes())))


def members(contents: dict[str, bytes]) -> Members:
    return [(tarfile.TarInfo(f"{FOLDER}/{name}"), content) for name, content in contents.items()]


def check_image_data(data: ImageData, train: int, valid: int, resolution: int, channels: int) -> None:
    for split, n in ((data.train, train), (data.valid, valid)):
        assert split.images.shape == (n, channels, resolution, resolution)
        assert split.images.dtype == torch.uint8
        assert split.labels.shape == (n,)
        assert split.labels.dtype == torch.int64
        assert split.images.is_contiguous()
    assert (data.classes, data.channels, data.resolution) == (10, channels, resolution)
    pixels = data.train.images.double() / 255
    torch.testing.assert_close(data.mean, pixels.mean((0, 2, 3)).float())
    torch.testing.assert_close(data.std, pixels.std((0, 2, 3), correction=0).float())


def test_digits_are_split_evenly_without_overlap() -> None:
    data = Digits().load()
    check_image_data(data, 1297, 500, 8, 1)
    for split in (data.train, data.valid):
        frequency = split.labels.bincount() / len(split.labels)
        whole = torch.cat([data.train.labels, data.valid.labels]).bincount() / IMAGES
        assert (frequency - whole).abs().max() < 0.003
    assert data.train.images.max() == 255
    assert data.train.images.min() == 0


def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    data = Digits().load()
    images = torch.cat([data.train.images, data.valid.images]).squeeze(1)
    labels = torch.cat([data.train.labels, data.valid.labels])
    ours = sorted((label, *image) for label, image in zip(labels.tolist(), images.flatten(1).tolist(), strict=True))
    scaled = (bunch.images.reshape(IMAGES, -1) * 255 / 16 + 0.5).astype(int)
    assert ours == sorted((label, *image) for label, image in zip(bunch.target.tolist(), scaled.tolist(), strict=True))


def test_digits_for_validation_do_not_depend_on_the_number_for_training() -> None:
    few, many = Digits(train=100, valid=200).load(), Digits(train=1500, valid=200).load()
    assert torch.equal(few.valid.images, many.valid.images)
    assert torch.equal(few.train.images, many.train.images[:100])


def test_digits_for_validation_are_at_most_what_training_leaves() -> None:
    assert len(Digits(train=1700, valid=97).load().valid.images) == 97
    with pytest.raises(InputError, match=r"images\.valid is 98; allowed: 10 to what train leaves, 97"):
        Digits(train=1700, valid=98).load()


@pytest.mark.parametrize("resolution", [16, 32])
def test_enlarged_digits_are_interpolated(resolution: int) -> None:
    """Between the centres of four pixels a new one is their mean, weighted by nearness; at the border, of two."""
    small, large = (Digits(train=20, valid=20, resolution=side).load().train.images[:, 0] for side in (8, resolution))
    centres = ((np.arange(resolution) + 0.5) * 8 / resolution - 0.5).clip(0, 7)
    low = np.minimum(centres.astype(int), 6)
    weights = np.zeros((resolution, 8))
    weights[np.arange(resolution), low] = 1 - (centres - low)
    weights[np.arange(resolution), low + 1] = centres - low
    expected = np.rint(weights @ small.numpy().astype(np.float64) @ weights.T)
    assert np.array_equal(large.numpy(), expected)


def test_enlarged_digits_are_the_same_pictures_in_the_same_splits() -> None:
    small, large = Digits().load(), Digits(resolution=16, crop=2).load()
    check_image_data(large, 1297, 500, 16, 1)
    for name in ("train", "valid"):
        assert torch.equal(getattr(small, name).labels, getattr(large, name).labels)
        back = shrink(getattr(large, name).images, 8).int() - getattr(small, name).images.int()
        assert back.abs().float().mean() < 25


def test_order_is_fixed_and_every_stretch_is_balanced() -> None:
    labels = np.repeat(np.arange(4), [10, 20, 30, 40])
    order = balanced_order(labels)
    assert sorted(order) == list(range(100))
    for start in range(0, 100, 20):
        assert np.abs(np.bincount(labels[order[start : start + 20]], minlength=4) - [2, 4, 6, 8]).max() <= 1
    assert order[:5].tolist() == [83, 42, 13, 68, 7]


def test_published_split_equals_the_published_file(shared_data: Path) -> None:
    published = np.load(shared_data / "nb201_splits.npz")
    train, valid = published_split(25_000, 25_000)
    assert np.array_equal(train, published["cifar_split__train"])
    assert np.array_equal(valid, published["cifar_split__valid"])


def test_published_split_starts_as_published() -> None:
    train, valid = published_split(25_000, 25_000)
    assert train[:10].tolist() == [0, 5, 7, 11, 13, 15, 16, 17, 20, 24]
    assert valid[:10].tolist() == [1, 2, 3, 4, 6, 8, 9, 10, 12, 14]
    assert sorted([*train, *valid]) == list(range(50_000))


def test_smallest_subsets_do_not_change_between_versions() -> None:
    train, valid = published_split(100, 100)
    assert train[:5].tolist() == [272, 627, 1391, 2066, 2207]
    assert valid[:5].tolist() == [379, 662, 1020, 1648, 2511]


def test_smaller_subsets_are_part_of_larger_ones() -> None:
    train, valid = published_split(2000, 1000)
    larger_train, larger_valid = published_split(5000, 25_000)
    assert len(train) == 2000
    assert len(valid) == 1000
    assert set(train) < set(larger_train)
    assert set(valid) < set(larger_valid)
    assert not set(larger_train) & set(larger_valid)


def test_cifar10_takes_the_images_of_the_split(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(monkeypatch, fake)
    data = Cifar10(train=3000, valid=2000).load(fake)
    check_image_data(data, 3000, 2000, 32, 3)
    for split, chosen in zip((data.train, data.valid), published_split(3000, 2000), strict=True):
        assert split.labels.tolist() == chosen.tolist()
        assert torch.equal(split.images.flatten(1).amin(1), split.labels % 128)
        assert torch.equal(split.images.flatten(1).amax(1), split.labels % 128)


@pytest.mark.parametrize("where", ["parent", "folder", "variable", "cache"])
def test_cifar10_is_found_where_it_may_be(where: str, fake: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(monkeypatch, fake)
    given: Path | None = None
    if where == "variable":
        monkeypatch.setenv("SUPERNET_BENCH_DATA", str(fake))
    elif where == "cache":
        cache.mkdir()
        (cache / FOLDER).symlink_to(fake / FOLDER)
    else:
        given = fake if where == "parent" else fake / FOLDER
    assert len(Cifar10(train=100, valid=100).load(given).train.images) == 100


def test_damaged_batch_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small_batches(tmp_path / "given")
    with pytest.raises(InputError, match="data_batch_1 is damaged or another file: its md5 is"):
        Cifar10().load(folder)


def test_missing_batch_is_named(fake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(monkeypatch, fake)
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "data_batch_1").symlink_to(fake / FOLDER / "data_batch_1")
    with pytest.raises(InputError, match="data_batch_2 cannot be read"):
        Cifar10().load(tmp_path)


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_batch_that_imports_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attack = python2_pickle({"data": Attack(tmp_path / "attacked")})
    folder = small_batches(tmp_path / "given", attack)
    accept(monkeypatch, folder)
    with pytest.raises(InputError, match=r"data_batch_1 cannot be unpickled .*posix.mkdir"):
        Cifar10().load(folder)
    assert not (tmp_path / "attacked").exists()


def test_archive_is_unpacked_once_without_test_images(
    tmp_path: Path, cache: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {name: (fake / FOLDER / name).read_bytes() for name in TRAINING_BATCHES}
    archive = tmp_path / "given" / cifar10.ARCHIVE.name
    accept(monkeypatch, fake)
    accept_archive(monkeypatch, archive, members({"readme.html": b"", "test_batch": b"secret", **contents}))
    first = Cifar10(train=100, valid=100).load(archive.parent)
    assert sorted(path.name for path in (cache / FOLDER).iterdir()) == list(TRAINING_BATCHES)
    assert [path.name for path in cache.iterdir()] == [FOLDER]
    archive.unlink()
    assert torch.equal(Cifar10(train=100, valid=100).load().train.images, first.train.images)


def special(kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(f"{FOLDER}/data_batch_1")
    member.type, member.linkname = kind, target
    return member, b""


@pytest.mark.parametrize(
    "spoil",
    [
        lambda batches: batches[:-1],
        lambda batches: [special(tarfile.SYMTYPE, "/etc/passwd"), *batches[1:]],
        lambda batches: [special(tarfile.SYMTYPE, "../../secret"), *batches[1:]],
        lambda batches: [special(tarfile.LNKTYPE, "../secret"), *batches[1:]],
        lambda batches: [special(tarfile.SYMTYPE, "data_batch_2"), *batches[1:]],
        lambda batches: [special(tarfile.FIFOTYPE), *batches[1:]],
        lambda batches: [(tarfile.TarInfo(f"../{FOLDER}/data_batch_1"), b"batch"), *batches[1:]],
        lambda batches: [(tarfile.TarInfo(f"/{FOLDER}/data_batch_1"), b"batch"), *batches[1:]],
    ],
    ids=["incomplete", "link", "relative link", "hard link", "link inside", "pipe", "parent", "absolute"],
)
def test_bad_archive_is_named_and_leaves_nothing(
    spoil: Callable[[Members], Members],
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive = tmp_path / "given" / cifar10.ARCHIVE.name
    accept_archive(monkeypatch, archive, spoil(members(dict.fromkeys(TRAINING_BATCHES, b"batch"))))
    with pytest.raises(InputError, match=f"{archive} cannot be unpacked"):
        Cifar10().load(archive.parent)
    assert list(cache.iterdir()) == []


def test_what_else_is_in_an_archive_stays_there(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "given" / cifar10.ARCHIVE.name
    folder_link = tarfile.TarInfo("elsewhere")
    folder_link.type, folder_link.linkname = tarfile.SYMTYPE, str(tmp_path)
    names = ("../escaped", f"{tmp_path}/escaped", f"{FOLDER}/../../escaped", "elsewhere/escaped")
    evil: Members = [(folder_link, b""), *((tarfile.TarInfo(name), b"evil") for name in names)]
    accept_archive(monkeypatch, archive, evil + members(dict.fromkeys(TRAINING_BATCHES, b"batch")))
    assert cifar10._unpack(archive) == cache / FOLDER
    assert sorted(path.name for path in (cache / FOLDER).iterdir()) == list(TRAINING_BATCHES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "given"]


def test_foreign_archive_is_not_opened(tmp_path: Path, cache: Path) -> None:
    archive = tmp_path / cifar10.ARCHIVE.name
    archive.write_bytes(b"something else")
    with pytest.raises(InputError, match=r"cifar-10-python\.tar\.gz is damaged or another file"):
        Cifar10().load(tmp_path)
    assert not cache.exists()


def test_process_that_was_faster_is_not_disturbed(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / cifar10.ARCHIVE.name
    accept_archive(monkeypatch, archive, members(dict.fromkeys(TRAINING_BATCHES, b"mine")))
    small_batches(cache, b"theirs")
    assert cifar10._unpack(archive) == cache / FOLDER
    assert (cache / FOLDER / "data_batch_5").read_bytes() == b"theirs"
    assert [path.name for path in cache.iterdir()] == [FOLDER]


def test_smaller_pictures_are_means_of_areas(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.arange(2 * 3 * 32 * 32).remainder(256).to(torch.uint8).reshape(2, 3, 32, 32)
    small = shrink(images, 8)
    areas = images.double().reshape(2, 3, 8, 4, 8, 4).mean((3, 5))
    assert torch.equal(small, areas.round().to(torch.uint8))
    assert shrink(images, 32) is images


def test_official_cifar10_has_the_published_statistics(official: Path) -> None:
    data = Cifar10().load(official)
    check_image_data(data, 25_000, 25_000, 32, 3)
    assert data.train.labels.bincount().tolist() == [
        2478,
        2512,
        2533,
        2508,
        2491,
        2460,
        2572,
        2511,
        2516,
        2419,
    ]
    # the constants with which NAS-Bench-201 normalised its images, of all 50,000
    torch.testing.assert_close(data.mean * 255, torch.tensor([125.3, 123.0, 113.9]), atol=0.3, rtol=0)
    torch.testing.assert_close(data.std * 255, torch.tensor([63.0, 62.1, 66.7]), atol=0.3, rtol=0)


def test_official_cifar10_pixels_are_in_place(official: Path) -> None:
    """The first picture of the batches, a frog, is the first training image; its first pixel row is known."""
    first = Cifar10(train=25_000, valid=100).load(official).train
    assert first.labels[0] == 6
    assert first.images[0, :, 0, 0].tolist() == [59, 62, 63]
    assert first.images[0, 0, 0, :4].tolist() == [59, 43, 50, 68]


def test_smaller_official_pictures_vary_less(official: Path) -> None:
    data = Cifar10(resolution=8, train=1000, valid=500).load(official)
    check_image_data(data, 1000, 500, 8, 3)
    assert (data.std * 255 < 62).all()
    for labels in (data.train.labels, data.valid.labels):
        share = labels.bincount(minlength=10) / len(labels)
        assert share.min() > 0.06
        assert share.max() < 0.14


def test_why_scikit_learn_cannot_be_imported_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be there, and be broken."""
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(
        InputError, match=r"^the images 'digits' come with scikit-learn, .* \(import of sklearn.datasets"
    ):
        Digits().load()

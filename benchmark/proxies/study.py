"""The proxies that stand beside a study, and those of a whole space."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from supernet_bench.benchmark.execution import Resources, find_device
from supernet_bench.benchmark.proxies.stored import ensure_scores
from supernet_bench.benchmark.study.study import PROXY_IMAGES, PROXY_SEED, Study
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import say
from supernet_bench.core.processors import cores
from supernet_bench.core.progress import SILENT, Progress
from supernet_bench.core.settings import values_of
from supernet_bench.images.base import ImageSource
from supernet_bench.proxies.base import Proxy
from supernet_bench.records.proxies import ProxyScores, ProxyTask
from supernet_bench.spaces.base import TrainableSpace


def ensure_proxies(study: Study, resources: Resources, progress: Progress = SILENT) -> None:
    """Have the store hold the scores of a study's proxies for its scored architectures, on this machine.

    A proxy that cannot be had is named on standard error and left out of the report; the runs of the study do not
    depend on it. The same call continues where it was interrupted.

    Raises
    ------
    InputError
        If published accuracies, which strata need, or a device cannot be had.
    OSError
        If the store cannot be read or written.
    """
    tasks = study.proxy_tasks()
    if not tasks:
        return
    setup = study.baseline.setup
    architectures = setup.scored_architectures(lambda: setup.space.truth(resources.data))
    device, processes = _places(resources)
    for task in tasks:
        try:
            ensure_scores(
                resources.store,
                [task],
                architectures,
                data=resources.data,
                device=device,
                processes=processes,
                progress=progress,
            )
        except InputError as error:
            say(f"warning: {error}; the report does without it")


def _places(resources: Resources) -> tuple[torch.device, int]:
    """Return the device, and how many processes score on it at once.

    What is asked of a cluster says nothing of the machine that waits for it.
    """
    if resources.elsewhere:
        return find_device("auto"), cores()
    return find_device(resources.device), resources.jobs or cores()


def score_space(
    space: TrainableSpace,
    images: ImageSource,
    proxies: Iterable[Proxy],
    store: Path,
    architectures: Sequence[int] | None = None,
    *,
    seed: int = PROXY_SEED,
    batch: int = PROXY_IMAGES,
    data: Path | None = None,
    device: str = "cpu",
    processes: int | None = None,
    progress: Progress = SILENT,
) -> list[ProxyScores]:
    """Return the scores of architectures, all of the space unless given, which the store has afterwards.

    With the seed and the batch of studies they are those that stand beside a study with this space and these images.

    Raises
    ------
    InputError
        If an architecture is none, the images cannot be had, or a proxy gives no scores.
    """
    indices = range(space.size) if architectures is None else architectures
    for index in indices:
        space.architecture(index)
    if batch < 2:
        raise InputError(f"batch is {batch}; allowed: at least 2 images, for statistics of a batch")
    where, what = ({"name": each.name, **values_of(each)} for each in (space, images))
    tasks = [ProxyTask({"name": each.name, **values_of(each)}, where, what, seed, batch) for each in proxies]
    return ensure_scores(
        store,
        tasks,
        list(indices),
        data=data,
        device=find_device(device),
        processes=processes or cores(),
        progress=progress,
    )

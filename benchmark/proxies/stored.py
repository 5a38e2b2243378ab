"""Proxies of a store: what is known is kept, and only what is missing is computed."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from supernet_bench.benchmark.plugins.digests import digest
from supernet_bench.benchmark.plugins.registry import image_types, proxy_types, space_types
from supernet_bench.benchmark.proxies.compute import Job, made, score_all
from supernet_bench.benchmark.proxies.networks import CPU, Networks, choose_batch
from supernet_bench.benchmark.study.spec import load_images
from supernet_bench.core.progress import SILENT, Part, Progress
from supernet_bench.images.base import ImageData
from supernet_bench.records.damage import unless_damaged
from supernet_bench.records.proxies import ProxyScores, ProxyTask, read_scores, write_scores

KEPT_EVERY_S = 20.0
"""How much work is lost at most where it is interrupted, seconds."""


def ensure_scores(
    store: Path,
    tasks: Iterable[ProxyTask],
    architectures: Sequence[int],
    *,
    data: Path | None = None,
    device: torch.device = CPU,
    processes: int = 1,
    progress: Progress = SILENT,
) -> list[ProxyScores]:
    """Return the scores of architectures by each task, which the store has afterwards.

    What the store has already is not computed again, unless other code of a plug-in made it; a damaged file is set
    aside.

    Parameters
    ----------
    store : Path
        Folder of the store.
    tasks : iterable of ProxyTask
    architectures : sequence of int
    data : Path, optional
        Where the user keeps images.
    device : torch.device
    processes : int
        At most so many at once, on a processor.
    progress : Progress

    Raises
    ------
    InputError
        If a plug-in or the images cannot be had, or a proxy gives no scores; what was computed before is kept.
    """
    loaded: dict[str, ImageData] = {}
    found = []
    for task in tasks:
        scores = _known(store, task)
        missing = [index for index in architectures if index not in scores.scores]
        if missing:
            images = str(sorted(task.images.items()))
            if images not in loaded:
                loaded[images] = load_images(made("images", task.images, image_types()), data)
            job = _job(task, loaded[images], device)
            scores = _computed(store, scores, job, missing, processes, progress)
        found.append(scores.only(architectures))
    return found


def code_of(task: ProxyTask) -> str:
    """Return the digests of the plug-ins that determine the scores of a task."""
    parts = (
        ("proxy", task.proxy, proxy_types()),
        ("space", task.space, space_types()),
        ("images", task.images, image_types()),
    )
    classes: list[type] = [type(made(kind, table, types)) for kind, table, types in parts]
    return " ".join(digest(each) for each in classes)


def _known(store: Path, task: ProxyTask) -> ProxyScores:
    code = code_of(task)
    kept = unless_damaged(store, lambda: read_scores(store, task.key))
    return kept if kept is not None and kept.code == code else ProxyScores(task, code)


def _job(task: ProxyTask, data: ImageData, device: torch.device) -> Job:
    space = made("space", task.space, space_types())
    networks = Networks(space, data.channels, data.classes, task.seed)
    return Job(made("proxy", task.proxy, proxy_types()), networks, choose_batch(data, task.batch, task.seed), device)


def _computed(
    store: Path, scores: ProxyScores, job: Job, missing: Sequence[int], processes: int, progress: Progress
) -> ProxyScores:
    """Return scores with those that are missing, kept by and by, so that little is lost where it is interrupted."""
    part, done, kept_at = Part(f"proxy {scores.task.name}"), 0, time.monotonic()
    try:
        for more in score_all(job, missing, processes):
            scores, done = scores.with_scores(more), done + len(more)
            progress.advanced(part, done / len(missing))
            if time.monotonic() - kept_at > KEPT_EVERY_S:
                write_scores(store, scores)
                kept_at = time.monotonic()
    finally:
        if done:
            write_scores(store, scores)
    return scores

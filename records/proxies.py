"""What proxies gave architectures, as a store keeps it: a file for each proxy and what determines its scores."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from supernet_bench.core.errors import InputError
from supernet_bench.core.fields import Fields, Malformed
from supernet_bench.core.files import read_if_there, write_atomically
from supernet_bench.records.damage import Damaged
from supernet_bench.records.form import name_of, seal, unseal
from supernet_bench.records.layout import proxy_path

PROXY_VERSION = 1
"""Version of these files, their field ``schema``."""


@dataclass(frozen=True)
class ProxyTask:
    """All that determines the scores of a proxy.

    Attributes
    ----------
    proxy, space, images : mapping
        Their names and all of their settings, as in a spec: ``{"name": ..., ...}``.
    seed : int
        Of the initial weights, the choice of images, and what else is random.
    batch : int
        Training images that networks are looked at with.
    """

    proxy: Mapping[str, Any]
    space: Mapping[str, Any]
    images: Mapping[str, Any]
    seed: int
    batch: int

    @property
    def name(self) -> str:
        """That of the proxy."""
        return str(self.proxy["name"])

    def canonical(self) -> dict[str, Any]:
        """Return nested tables, the same for equal tasks."""
        return {
            "proxy": dict(self.proxy),
            "space": dict(self.space),
            "images": dict(self.images),
            "seed": self.seed,
            "batch": self.batch,
        }

    @property
    def key(self) -> str:
        """16 hexadecimal digits that name the file."""
        return name_of(self.canonical())


@dataclass(frozen=True)
class ProxyScores:
    """The scores of a proxy that are known.

    Attributes
    ----------
    task : ProxyTask
    code : str
        Digest of the code of proxy, space and images that made them.
    scores : mapping of int to float
        By the number of the architecture; minus infinity is worse than all numbers.
    """

    task: ProxyTask
    code: str
    scores: Mapping[int, float] = field(default_factory=dict)

    def with_scores(self, more: Mapping[int, float]) -> "ProxyScores":
        """Return these and more, each as it will be read again."""
        return replace(self, scores={**self.scores, **{index: _rounded(score) for index, score in more.items()}})

    def only(self, architectures: Iterable[int]) -> "ProxyScores":
        """Return the scores of some architectures, as far as they are known."""
        known = set(architectures)
        return replace(self, scores={index: score for index, score in self.scores.items() if index in known})

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it, without a checksum; JSON has no infinity, and null stands for it."""
        architectures = sorted(self.scores)
        scores = [self.scores[index] for index in architectures]
        return {
            "schema": PROXY_VERSION,
            **self.task.canonical(),
            "code": self.code,
            "architectures": architectures,
            "scores": [None if score == -math.inf else score for score in scores],
        }


def _rounded(score: float) -> float:
    """Return a score with as many digits as others could compute again; files stay small."""
    return float(f"{score:.9g}")


def pack_scores(scores: ProxyScores) -> bytes:
    """Return the content of a file, on one line."""
    return json.dumps(seal(scores.to_json()), separators=(",", ":")).encode()


def parse_scores(content: bytes, path: Path) -> ProxyScores:
    """Return the scores in the content of a file.

    Raises
    ------
    Damaged
        If it is cut off, changed, or not what it should be.
    InputError
        If a newer version of the suite wrote it.
    """
    found = unseal(content, path, "file of a proxy's scores")
    if found.get("schema") != PROXY_VERSION:
        raise InputError(f"{path} has schema {found.get('schema')!r}; allowed: {PROXY_VERSION}")
    fields = Fields(found)
    try:
        task = ProxyTask(
            proxy=fields.read("proxy", dict),
            space=fields.read("space", dict),
            images=fields.read("images", dict),
            seed=fields.read("seed", int),
            batch=fields.read("batch", int),
        )
        architectures = fields.entries("architectures", int)
        scores = fields.entries("scores", int, float, type(None))
        code = fields.read("code", str)
    except Malformed as error:
        raise Damaged(path, f"it is no file of a proxy's scores: {error}") from None
    if len(scores) != len(architectures) or len(set(architectures)) != len(architectures) or "name" not in task.proxy:
        raise Damaged(path, "it has not one score of each architecture")
    values = [-math.inf if score is None else float(score) for score in scores]
    if any(math.isnan(value) or value == math.inf for value in values):
        raise Damaged(path, "a score is no number")
    return ProxyScores(task, code, dict(zip(architectures, values, strict=True)))


def read_scores(store: Path, key: str) -> ProxyScores | None:
    """Return the scores of a task in a store, or None if there are none.

    Raises
    ------
    Damaged
        If the file cannot be trusted, or is of another task than its name says.
    """
    path = proxy_path(store, key)
    content = read_if_there(path)
    if content is None:
        return None
    scores = parse_scores(content, path)
    if scores.task.key != key:
        raise Damaged(path, f"it has the scores of task {scores.task.key}")
    return scores


def write_scores(store: Path, scores: ProxyScores) -> None:
    """Keep scores in a store, whole or not at all, in the place of those of the same task that are there."""
    write_atomically(proxy_path(store, scores.task.key), pack_scores(scores))

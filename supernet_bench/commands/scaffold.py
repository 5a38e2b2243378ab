"""Writing a new heuristic: one module and one test."""

import keyword
import re
from pathlib import Path
from string import Template

from supernet_bench.benchmark.plugins.registry import heuristic_types
from supernet_bench.core.errors import InputError
from supernet_bench.core.files import write_atomically

RESERVED = {*keyword.kwlist, *keyword.softkwlist, "base", "ClassVar", "Heuristic", "Step", "Tensor"}
"""Names that a module or a class cannot have, or that would hide what the template imports."""

MODULE = Template('''"""TODO: say in one line what $name does."""

from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from supernet_bench.heuristics.base import Heuristic, Step


@dataclass
class $cls(Heuristic):
    """TODO: say what is done, when, and why.

    As written, the loss of every path is multiplied by ``scale``; override the hooks you need instead.
    """

    name: ClassVar[str] = "$name"
    factor: ClassVar[str] = "$name"
    source: ClassVar[str] = "TODO: authors, year, title, identifier"
    levels = ({"scale": 1.0}, {"scale": 2.0})
    default = True
    neutral = {"scale": 1.0}

    scale: float = field(default=1.0, metadata={"help": "TODO", "low": 0.0, "high": 10.0})

    def loss(self, loss: Tensor, logits: Tensor, labels: Tensor, step: Step) -> Tensor:
        return self.scale * loss
''')

TEST = Template('''"""Behaviour of the heuristic $name."""

import torch

from supernet_bench.benchmark.plugins.registry import heuristic_types
from supernet_bench.heuristics.base import Step
from supernet_bench.heuristics.$name import $cls


def test_is_found_by_name() -> None:
    assert heuristic_types()["$name"] is $cls


def test_scales_the_loss() -> None:
    step = Step(index=0, start=0, length=10, generator=lambda name, device="cpu": torch.Generator(device))
    logits, labels = torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64)
    loss = $cls(scale=2.0).loss(torch.tensor(1.5), logits, labels, step)
    assert loss.item() == 3.0
''')


def new_heuristic(name: str, folder: Path) -> list[Path]:
    """Write a module and a test for a heuristic called `name`; both work as they are.

    Parameters
    ----------
    name : str
        A Python identifier in lower case.
    folder : Path
        Root of a checkout, where ``heuristics/`` and ``tests/heuristics/`` are.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If the name cannot be used or exists, or the folder is no checkout.
    """
    cls = "".join(part.title() for part in name.split("_"))
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or {name, cls} & RESERVED:
        raise InputError(
            f"name is {name!r}; allowed: lower-case letters, digits and underscores, a letter first, no word of Python"
        )
    factors = {kind.factor for kind in heuristic_types().values()}
    if name in heuristic_types() or name in factors:
        raise InputError(f"name is {name!r}, which exists; see: supernet-bench list heuristics")
    files = {
        folder / "heuristics" / f"{name}.py": MODULE,
        folder / "tests" / "heuristics" / f"test_{name}.py": TEST,
    }
    for path in files:
        if not path.parent.is_dir():
            raise InputError(f"folder is {str(folder)!r}; allowed: the root of a checkout, with {path.parent}")
        if path.exists():
            raise InputError(f"{path} exists; allowed: a new name")
    for path, template in files.items():
        write_atomically(path, template.substitute(name=name, cls=cls).encode())
    return list(files)

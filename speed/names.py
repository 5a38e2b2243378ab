"""Where a weight of a stand-alone network of this suite is in the other implementations."""

from collections.abc import Callable

from supernet_bench.spaces.nasbench201.cell import EDGES, OPERATIONS

Rename = Callable[[str, int], str]
"""Maps the name of a weight in the state of a stand-alone network, and the cells per stage, to another name."""


def plain_name(name: str, cells: int) -> str:
    """Return where `name` is in `speed.plain`."""
    match name.split("."):
        case ["stem", layer, tensor]:
            return f"stem.{_stem(layer)}.{tensor}"
        case ["cells", cell, "edges", edge, operation, layer, tensor]:
            return f"blocks.{_block(cell, cells)}.edges.{edge}.{OPERATIONS.index(operation)}.{_layer(layer)}.{tensor}"
        case ["reductions", stage, "shortcut", tensor]:
            return f"blocks.{_reduction(stage, cells)}.shortcut.1.{tensor}"
        case ["reductions", stage, half, layer, tensor]:
            first = {"conv_a": 0, "conv_b": 3}[half]
            return f"blocks.{_reduction(stage, cells)}.branch.{first + _layer(layer)}.{tensor}"
    return name


def xautodl_name(name: str, cells: int) -> str:
    """Return where `name` is in ``GenericNAS201Model`` of xautodl 1.0.0."""
    match name.split("."):
        case ["stem", layer, tensor]:
            return f"_stem.{_stem(layer)}.{tensor}"
        case ["cells", cell, "edges", edge, operation, layer, tensor]:
            source, target = EDGES[int(edge)]
            place = f"_cells.{_block(cell, cells)}.edges.{target}<-{source}.{OPERATIONS.index(operation)}"
            return f"{place}.op.{_layer(layer)}.{tensor}"
        case ["reductions", stage, "shortcut", tensor]:
            return f"_cells.{_reduction(stage, cells)}.downsample.1.{tensor}"
        case ["reductions", stage, half, layer, tensor]:
            return f"_cells.{_reduction(stage, cells)}.{half}.op.{_layer(layer)}.{tensor}"
        case ["norm", tensor]:
            return f"lastact.0.{tensor}"
    return name


def _stem(layer: str) -> int:
    return ("conv", "norm").index(layer)


def _layer(layer: str) -> int:
    return ("relu", "conv", "norm").index(layer)


def _block(cell: str, cells: int) -> int:
    """Return the position of a cell among cells and reductions."""
    return int(cell) + int(cell) // cells


def _reduction(stage: str, cells: int) -> int:
    return cells + int(stage) * (cells + 1)

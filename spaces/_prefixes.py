"""Architectures as the leaves of a tree, whose branches are what they have in common."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, takewhile
from operator import eq
from typing import TypeVar

from supernet_bench.spaces.base import Architecture

State = TypeVar("State")


def depth_first(
    architectures: Sequence[Architecture], start: State, decide: Callable[[State, int, int], State]
) -> Iterator[tuple[list[int], State]]:
    """Compute the state after all decisions of every architecture, and each prefix of decisions only once.

    Parameters
    ----------
    architectures : sequence of Architecture
        In any order; equal ones are leaves together.
    start : State
        Before any decision.
    decide : callable
        Maps a state, the number of the next decision and its choice to the next state. It must not change the state
        that it is given, from which other branches start.

    Yields
    ------
    positions : list of int
        Of equal architectures.
    state : State
        Theirs. No more states are kept than lie on the branch to it: the decisions plus one.
    """
    branch = [start]
    previous: Architecture = ()
    order = sorted(range(len(architectures)), key=architectures.__getitem__)
    for architecture, positions in groupby(order, key=architectures.__getitem__):
        shared = sum(takewhile(bool, map(eq, previous, architecture)))
        del branch[shared + 1 :]
        for decision in range(shared, len(architecture)):
            branch.append(decide(branch[-1], decision, architecture[decision]))
        yield list(positions), branch[-1]
        previous = architecture

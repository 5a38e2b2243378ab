"""Which architectures are scored where all would take too long."""

from itertools import pairwise

import pytest

from speed.fidelities import FIDELITIES
from speed.scores import SHARES, parts


def test_parts_stand_for_their_share_of_the_space() -> None:
    found = parts(FIDELITIES["digits"])
    assert len(set(found[0].architectures)) == found[0].stands_for == 15_625
    for part, share in zip(found[1:], SHARES[1:], strict=True):
        assert part.stands_for == pytest.approx(15_625 / share, rel=0.05)
        assert len(set(part.architectures)) == 9_088 // share


def test_parts_are_samples_of_one_another() -> None:
    smaller = parts(FIDELITIES["digits"])[1:]
    assert all(set(less.architectures) < set(more.architectures) for more, less in pairwise(smaller))

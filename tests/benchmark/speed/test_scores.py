"""Which architectures are scored where all would take too long."""

from itertools import pairwise

from benchmark.speed.fidelities import FIDELITIES
from benchmark.speed.scores import architecture_sets
from spaces.nasbench201.cell import EDGES


def test_sets_are_complete_subtrees_of_one_another() -> None:
    sets = architecture_sets(FIDELITIES["digits"])
    assert [len(each) for each in sets] == [15_625, 3_125, 625, 125, 25]
    assert all(set(smaller) < set(larger) for larger, smaller in pairwise(sets))


def test_the_edge_fixed_first_is_the_one_from_input_to_output() -> None:
    assert EDGES[3] == (0, 3)
    assert {each[3] for each in architecture_sets(FIDELITIES["digits"])[1]} == {2}

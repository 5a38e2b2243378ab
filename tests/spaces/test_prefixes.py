"""Walking the tree of prefixes computes each once and keeps one branch."""

import weakref

from hypothesis import given
from hypothesis import strategies as st

from supernet_bench.spaces._prefixes import depth_first
from supernet_bench.spaces.base import Architecture

lists = st.lists(st.tuples(*[st.integers(0, 2)] * 5), max_size=40)


@given(lists)
def test_every_position_comes_once_with_the_state_of_its_architecture(architectures: list[Architecture]) -> None:
    seen: list[int] = []
    for positions, state in depth_first(architectures, (), lambda state, _, choice: (*state, choice)):
        assert {architectures[position] for position in positions} == {state}
        seen += positions
    assert sorted(seen) == list(range(len(architectures)))


@given(lists)
def test_every_prefix_is_computed_once(architectures: list[Architecture]) -> None:
    computed: list[Architecture] = []

    def decide(prefix: Architecture, decision: int, choice: int) -> Architecture:
        assert len(prefix) == decision
        computed.append((*prefix, choice))
        return computed[-1]

    for _ in depth_first(architectures, (), decide):
        pass
    assert len(computed) == len(set(computed))
    assert set(computed) == {architecture[:n] for architecture in architectures for n in range(1, 6)}


@given(lists)
def test_no_more_than_a_branch_is_kept(architectures: list[Architecture]) -> None:
    class State:
        pass

    alive: weakref.WeakSet[State] = weakref.WeakSet()

    def decide(state: State, decision: int, choice: int) -> State:
        following = State()
        alive.add(following)
        assert len(alive) <= decision + 1
        return following

    walk = depth_first(architectures, State(), decide)
    while next(walk, None) is not None:
        assert len(alive) <= 5

"""Walks on threads of their own."""

import threading

import pytest
import torch

from supernet_bench.engines.cpu.threads import CHUNK, in_threads


def test_every_item_comes_once_whatever_the_lengths() -> None:
    walks = [iter(range(start, start + length)) for start, length in ((0, 3), (100, 5 * CHUNK), (1000, 0))]
    assert sorted(in_threads(walks)) == [*range(3), *range(100, 100 + 5 * CHUNK)]


def test_a_single_walk_stays_on_the_thread_of_the_caller() -> None:
    def walk():
        yield threading.current_thread()

    assert list(in_threads([walk()])) == [threading.current_thread()]
    assert threading.current_thread() not in list(in_threads([walk(), walk()]))


def test_threads_use_one_thread_each_and_no_autograd() -> None:
    def walk():
        yield torch.get_num_threads(), torch.is_grad_enabled()

    before = torch.get_num_threads()
    assert list(in_threads([walk(), walk()])) == [(1, False)] * 2
    assert torch.get_num_threads() == before


def test_an_error_is_passed_on_and_the_number_of_threads_restored() -> None:
    def walk():
        yield 1
        raise ArithmeticError("lost")

    before = torch.get_num_threads()
    with pytest.raises(ArithmeticError, match="lost"):
        list(in_threads([walk(), walk()]))
    assert torch.get_num_threads() == before


def test_a_reader_that_stops_restores_the_number_of_threads() -> None:
    before = torch.get_num_threads()
    items = in_threads([iter(range(100)), iter(range(100))])
    next(items)
    items.close()
    assert torch.get_num_threads() == before

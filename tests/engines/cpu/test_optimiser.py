"""The suite's SGD is PyTorch's, to the last bit."""

import copy

import pytest
import torch

from supernet_bench.engines.cpu.optimiser import SGD

SHAPES = ((16, 8, 3, 3), (7,), (33, 5), (8, 8, 1, 1), (10_003,))


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize(("momentum", "weight_decay"), [(0.9, 5e-4), (0.5, 0.0), (0.0, 1e-3)])
def test_equals_pytorch_bit_for_bit(nesterov, momentum, weight_decay) -> None:
    if nesterov and not momentum:
        pytest.skip("PyTorch has no Nesterov momentum of zero")
    torch.manual_seed(0)
    ours = [torch.nn.Parameter(torch.randn(shape)) for shape in SHAPES]
    ours[0].data = ours[0].data.contiguous(memory_format=torch.channels_last)
    theirs = copy.deepcopy(ours)
    settings = {"lr": 0.0, "momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
    optimisers = SGD(ours, **settings), torch.optim.SGD(theirs, **settings)
    for step in range(6):
        for position, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            sampled = (step + position) % 3 > 0
            one.grad = torch.randn_like(one) if sampled else None
            other.grad = one.grad.clone() if sampled else None
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = 0.1 / (step + 1)
            optimiser.step()
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    states = [optimiser.state_dict() for optimiser in optimisers]
    assert states[0].keys() == states[1].keys()
    for one, other in zip(*(state["state"].values() for state in states), strict=True):
        assert one.keys() == other.keys()
        assert momentum == 0 or torch.equal(one["momentum_buffer"], other["momentum_buffer"])


def test_states_can_be_exchanged_with_pytorch() -> None:
    one, other = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    ours, theirs = SGD([one], lr=0.1, momentum=0.9), torch.optim.SGD([other], lr=0.1, momentum=0.9)
    one.grad, other.grad = torch.ones(3), torch.ones(3)
    ours.step()
    theirs.step()
    theirs.load_state_dict(copy.deepcopy(ours.state_dict()))
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    ours.step()
    theirs.step()
    assert torch.equal(one, other)


def test_a_weight_changed_before_its_gradient_is_noticed() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    weight.grad = torch.ones(3)
    result = (weight * weight).sum()
    SGD([weight], lr=0.1, momentum=0.9).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.backward()


def test_gradient_in_another_layout_is_left_to_pytorch() -> None:
    one = torch.nn.Parameter(torch.randn(4, 4, 3, 3))
    other = copy.deepcopy(one)
    one.grad = torch.randn(4, 4, 3, 3).contiguous(memory_format=torch.channels_last)
    other.grad = one.grad.contiguous()
    for optimiser in (SGD([one], lr=0.1, momentum=0.9), torch.optim.SGD([other], lr=0.1, momentum=0.9)):
        optimiser.step()
    assert torch.equal(one, other)

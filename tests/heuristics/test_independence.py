"""Behaviour of iterations that start afresh."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.independence import iteration_window

CPU = torch.device("cpu")


@given(st.integers(2, 12), st.integers(12, 300))
def test_windows_cover_the_run_in_nearly_equal_parts(iterations: int, total: int) -> None:
    windows = [iteration_window(index, total, iterations) for index in range(total)]
    assert all(start <= index < start + length for index, (start, length) in enumerate(windows))
    assert len(set(windows)) == iterations
    lengths = {length for _, length in windows}
    assert max(lengths) - min(lengths) <= 1


def rates(spec) -> list[float]:
    """Return the learning rate of every step."""
    trainer = Trainer(spec, spec.images.load(), CPU)
    steps = (_step(trainer, index) for index in range(trainer.total_steps))
    return [trainer.heuristics.fold(Heuristic.learning_rate, 0.0, step) for step in steps]


def _step(trainer: Trainer, index: int):
    trainer.counts["optimiser_steps"] = index
    return trainer._next_step()


@pytest.mark.parametrize("reset", ["schedule", "momentum", "full"])
def test_each_iteration_starts_at_the_initial_learning_rate(toy_spec, reset: str) -> None:
    found = rates(toy_spec({"independence": {"reset": reset, "iterations": 3}}, scoring={"checkpoints": 1}))
    assert found[0] == found[6] == found[12] == max(found)
    assert found[:6] == found[6:12] == found[12:]
    assert found[5] < found[0] / 5


def test_a_schedule_that_is_re_created_restarts_at_the_initial_rate(toy_spec) -> None:
    """Where the rate at the boundary takes the place of the initial one, it stays at the minimum for ever."""
    minimum = 0.01
    spec = toy_spec(
        {"independence": {"reset": "schedule", "iterations": 3}, "learning_rate": {"rate": 0.2, "minimum": minimum}}
    )
    iteration, left = cosine_of_pytorch(0.2, minimum, 6)
    assert left == pytest.approx(minimum)
    assert cosine_of_pytorch(left, minimum, 6)[0] == pytest.approx([minimum] * 6)
    assert rates(spec) == pytest.approx(iteration * 3)


def cosine_of_pytorch(rate: float, minimum: float, steps: int) -> tuple[list[float], float]:
    """Return the rates of all steps, and what is left after the last."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, eta_min=minimum)
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    return found, schedule.get_last_lr()[0]


@pytest.mark.parametrize("schedule", ["cosine", "step", "constant"])
def test_every_schedule_restarts(toy_spec, schedule: str) -> None:
    found = rates(
        toy_spec({"independence": {"reset": "schedule", "iterations": 3}, "learning_rate": {"schedule": schedule}})
    )
    assert found[:6] == found[6:12] == found[12:]
    assert found[0] == 0.05


def test_ramps_of_other_heuristics_restart(toy_spec) -> None:
    spec = toy_spec({"independence": {"reset": "schedule", "iterations": 3}, "path_dropout": {"rate": 0.5}})
    trainer = Trainer(spec, spec.images.load(), CPU)
    dropped = []
    for index in range(trainer.total_steps):
        hook = trainer.heuristics.hooks(_step(trainer, index)).operation
        dropped.append((hook(torch.ones(4000, 1), 1.0) == 0).double().mean().item())
    ramp = [0.5 * (k + 1) / 6 for k in range(6)]
    assert dropped == pytest.approx(ramp * 3, abs=0.04)


def test_without_iterations_the_learning_rate_only_falls(toy_spec) -> None:
    found = rates(toy_spec())
    assert found == sorted(found, reverse=True)


def state_after_boundary(toy_spec, reset: str) -> tuple[Trainer, dict[str, torch.Tensor], int]:
    """Return a trainer that has just begun its second iteration, the weights before that, and its momenta."""
    spec = toy_spec({"independence": {"reset": reset, "iterations": 3}}, scoring={"checkpoints": 1})
    trainer = Trainer(spec, spec.images.load(), CPU)
    trainer.supernet.train()
    trainer._train_epoch()
    before = {key: value.clone() for key, value in trainer.supernet.state_dict().items()}
    step = trainer._next_step()
    assert step.starts_iteration
    trainer._start_iteration(step)
    return trainer, before, len(trainer._optimiser.state)


@pytest.mark.parametrize(
    ("reset", "keeps_momentum", "keeps_weights"),
    [("schedule", True, True), ("momentum", False, True), ("full", False, False)],
)
def test_what_a_boundary_resets(toy_spec, reset: str, keeps_momentum: bool, keeps_weights: bool) -> None:
    trainer, before, momenta = state_after_boundary(toy_spec, reset)
    after = trainer.supernet.state_dict()
    assert (momenta > 0) is keeps_momentum
    assert all(torch.equal(before[key], after[key]) for key in before) is keeps_weights


def test_full_reset_draws_new_weights(toy_spec) -> None:
    trainer, _, _ = state_after_boundary(toy_spec, "full")
    first = trainer._initial_supernet(0).state_dict()
    after = trainer.supernet.state_dict()
    weights = [key for key, value in after.items() if value.dim() > 1]
    assert weights
    assert not any(torch.equal(first[key], after[key]) for key in weights)


def test_more_iterations_than_epochs_are_refused(toy_spec) -> None:
    with pytest.raises(InputError, match=r"heuristics.independence.iterations is 4; allowed: 2 to .*3"):
        toy_spec({"independence": {"reset": "schedule", "iterations": 4}})


@pytest.mark.parametrize(
    ("epochs", "iterations", "scoring", "first"),
    [
        (8, 4, {"checkpoints": 2, "spacing": 2}, 6),
        (8, 2, {"checkpoints": 3, "spacing": 2}, 4),
        (3, 3, {"checkpoints": 2}, 2),
    ],
)
def test_late_checkpoints_of_other_weights_are_refused(toy_spec, epochs, iterations, scoring, first) -> None:
    """The first late checkpoint is the end of the last iteration but one."""

    def make(reset: str, **changes: int):
        heuristics = {"independence": {"reset": reset, "iterations": iterations}}
        return toy_spec(heuristics, training={"epochs": epochs}, scoring={**scoring, **changes})

    with pytest.raises(InputError, match=rf"reset is 'full'; allowed: .* after epoch {first} of {epochs}, lies before"):
        make("full")
    make("momentum")
    make("full", spacing=1, checkpoints=min(2, scoring["checkpoints"] - 1))

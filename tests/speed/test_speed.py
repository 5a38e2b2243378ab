"""A quick measurement against the real xautodl: agreement, keys, and that a wrong result is noticed."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from speed.__main__ import main
from speed.agreement import deviations, relative_difference
from speed.contenders import Ours, Plain, Xautodl
from speed.fidelities import FIDELITIES, draw, whole

pytest.importorskip(
    "xautodl", reason="xautodl is not installed (pip install --no-deps xautodl==1.0.0); nothing was compared with it"
)

DIGITS, CPU = FIDELITIES["digits"], torch.device("cpu")
QUANTITIES = {
    "xautodl: logits", "xautodl: loss", "xautodl: gradients", "ours: logits", "ours: loss", "ours: optimiser step",
    "ours: scores",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """A measurement takes all cores; other tests take one."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_all_implementations_agree() -> None:
    found = deviations(DIGITS, DIGITS.pictures(32, 64), CPU, {}, 2)
    assert {each.what for each in found} == QUANTITIES
    assert [each for each in found if not each.agrees] == []


def test_a_wrong_step_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Ours.train

    def train_another(self: Ours, architecture: tuple[int, ...]) -> None:
        right(self, (3, *architecture[1:]))

    monkeypatch.setattr(Ours, "train", train_another)
    found = deviations(DIGITS, DIGITS.pictures(32, 64), CPU, {}, 0)
    assert {each.what for each in found if not each.agrees} == {"ours: loss", "ours: optimiser step"}


def test_what_is_no_number_does_not_agree() -> None:
    assert relative_difference(torch.tensor([math.nan]), torch.ones(1)) == math.inf
    assert relative_difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0])) == pytest.approx(0.5**0.5)


def test_ours_makes_one_real_step_of_the_given_architecture() -> None:
    ours = Ours(DIGITS, DIGITS.pictures(32, 64), CPU, {})
    for steps, architecture in enumerate(draw(whole(DIGITS.space), 3, "test"), 1):
        ours.train(architecture)
        assert ours.trainer.counts == {"optimiser_steps": steps, "path_passes": steps, "images": 32 * steps}


def test_all_weights_must_have_a_counterpart() -> None:
    data = DIGITS.pictures(32, 64)
    weights = Ours(DIGITS, data, CPU, {}).weights()
    weights.pop("cells.2.edges.5.nor_conv_1x1.norm.bias")
    for kind in (Plain, Xautodl):
        with pytest.raises(ValueError, match=r"1 weights of .* have no counterpart"):
            kind(DIGITS, data, CPU).load(weights)


def test_weights_end_up_where_they_belong() -> None:
    """Every weight of each implementation gets the values of its own name."""
    data = DIGITS.pictures(32, 64)
    weights: dict[str, Tensor] = {
        name: torch.full_like(weight, number)
        for number, (name, weight) in enumerate(Ours(DIGITS, data, CPU, {}).weights().items())
    }
    for kind in (Plain, Xautodl):
        other = kind(DIGITS, data, CPU)
        other.load(weights)
        torch.testing.assert_close(other.weights(weights), weights)


QUICK = ["compare", "--quick", "--fidelity", "digits", "--device", "cpu", "--threads", "1"]


@pytest.mark.full
def test_quick_measurement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--reports", str(tmp_path)]) == 0
    (first, *_) = written = json.loads((tmp_path / "speed.json").read_text())
    assert {(each["fidelity"], each["device"]) for each in written} == {("digits", "cpu")}
    assert first["precision"] == "float32"
    for what in ("train", "score"):
        seconds = first[f"{what}_seconds"]
        assert seconds.keys() == {"ours", "xautodl", "plain"}
        assert all(0 < each["quartiles"][0] <= each["median"] <= each["quartiles"][1] for each in seconds.values())
        ratio = first[f"{what}_ratio"]
        assert ratio == pytest.approx(seconds["xautodl"]["median"] / seconds["ours"]["median"])
        assert ratio == first[f"{what}_ratios"]["xautodl"]["of_medians"]
    assert first["train_seconds"]["ours"]["n"] == 5
    assert first["together"]["processes"] == first["threads"] == 1
    assert first["together"]["ratio"] > 0
    assert {each["what"] for each in first["agreement"]} == QUANTITIES
    output = capsys.readouterr().out
    assert "digits, cpu, float32: 5 steps each" in output
    assert "xautodl is slower by" in output


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert main(["compare", "--device", "cuda", "--reports", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "error: --device is 'cuda'; allowed here: cpu\n"
    assert list(tmp_path.iterdir()) == []

"""What a device computes is compared with float64: a layer that is wrong in any way is named."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from typer.testing import CliRunner

from supernet_bench.benchmark.execution import devices
from supernet_bench.commands._examination import examine
from supernet_bench.commands.app import app
from supernet_bench.spaces.toy import Toy

CPU = torch.device("cpu")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


class Shifted(torch.autograd.Function):
    """What PyTorch computes on GPUs: the gradient of padded average pooling, a pixel off in channels-last maps."""

    @staticmethod
    def forward(ctx, features: Tensor) -> Tensor:
        return functional.avg_pool2d(features, 3, stride=1, padding=1)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        right = functional.avg_pool2d(gradient, 3, stride=1, padding=1)
        faulty = gradient.dtype != torch.float64 and not gradient.is_contiguous()
        return right.roll((1, 1), (2, 3)) if faulty else right


class Rounded(nn.BatchNorm2d):
    """Its statistics are wrong in bfloat16 alone."""

    def forward(self, features: Tensor) -> Tensor:
        output = super().forward(features)
        if features.dtype == torch.bfloat16:
            self.running_mean = self.running_mean + 1
        return output


def not_a_number(features: Tensor) -> Tensor:
    return features if features.dtype == torch.float64 else features / 0 * 0


WRONG = {
    "a gradient in one layout": lambda: devices.Function(Shifted.apply),
    "statistics in one type": lambda: Rounded(devices.CHANNELS),
    "no numbers": lambda: devices.Function(not_a_number),
}


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "space_types", lambda: {"toy": Toy})


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize("device", DEVICES)
def test_layers_are_computed_rightly(device: str) -> None:
    assert {name: off for name, off in devices.compare(torch.device(device)).items() if off} == {}


@pytest.mark.usefixtures("_few")
def test_layers_that_are_wrong_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "LAYERS", {**WRONG, "right": lambda: devices.Function(functional.relu)})
    found = devices.compare(CPU)
    assert found["a gradient in one layout"] > 0.5
    assert found["statistics in one type"] > 0.5
    assert math.isinf(found["no numbers"])
    assert found["right"] == found["space toy"] == 0


@pytest.mark.usefixtures("_few")
def test_networks_that_are_wrong_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supernet_bench.spaces.toy.mean_of_neighbours", Shifted.apply)
    monkeypatch.setattr(devices, "LAYERS", {})
    assert devices.compare(CPU)["space toy"] > 0.1


@pytest.mark.usefixtures("_few")
def test_doctor_names_what_a_device_computes_wrongly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(device: str | None) -> list[tuple[bool, str]]:
        findings = examine(tmp_path, None, device)
        return [(each.good, each.found) for each in findings if each.what.startswith("computing on")]

    monkeypatch.setattr(devices, "LAYERS", {"right": lambda: devices.Function(functional.relu)})
    assert said(None) == []
    assert said("cpu") == [(True, "2 layers and networks, as in float64")]
    monkeypatch.setattr(devices, "LAYERS", {"too large": lambda: devices.Function(lambda _: torch.empty(2, -1))})
    assert said("cpu")[0][0] is False
    monkeypatch.setattr(devices, "LAYERS", WRONG)
    ((good, found),) = said("cpu")
    assert not good
    assert all(name in found for name in WRONG)


def test_doctor_refuses_a_device_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["doctor", "--device", "tpu"])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: device is 'tpu'; allowed here: auto, cpu")

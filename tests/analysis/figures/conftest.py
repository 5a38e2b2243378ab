"""Studies whose figures are drawn."""

import pytest

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.results import Results
from tests.analysis.figures.scenarios import SCENARIOS, study


@pytest.fixture(params=SCENARIOS, scope="session")
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Effects]:
    return study(tmp_path_factory.mktemp("drawn"), SCENARIOS[request.param])


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Effects]:
    return study(tmp_path_factory.mktemp("usual"), SCENARIOS["usual"])

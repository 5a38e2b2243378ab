"""Proxies are timed, one line each."""

import pytest

from speed.__main__ import main
from speed.proxies import ProxyTime
from supernet_bench.benchmark.plugins.registry import proxy_types


def test_every_proxy_is_timed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["proxies", "--quick"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(proxy_types())
    assert all("min for all 15,625" in line for line in lines)


def test_the_whole_space_takes_its_share() -> None:
    assert ProxyTime("mine", 100, 2.0, 15_000).minutes == pytest.approx(5.0)
    assert str(ProxyTime("mine", 100, 2.0, 15_000)).endswith("20.0 ms a network,   5.0 min for all 15,000: within 10")
    assert str(ProxyTime("mine", 100, 5.0, 15_000)).endswith("more than 10")

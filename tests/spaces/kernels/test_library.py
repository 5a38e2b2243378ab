"""Compiling, keeping and doing without the kernels."""

import os
import subprocess
import sys

import pytest

from spaces.kernels import library as module
from spaces.kernels.library import library

PROBE = "from spaces.kernels.library import library; print(library() is not None)"


def available(**environment: str) -> str:
    """Return what a fresh process says about the kernels."""
    output = subprocess.run(
        [sys.executable, "-c", PROBE], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return output.stdout.strip()


@pytest.mark.skipif(library() is None, reason="no C++ compiler: compiling the kernels is NOT tested")
def test_compiled_once_into_the_cache_folder(tmp_path) -> None:
    assert available(SUPERNET_BENCH_CACHE=str(tmp_path)) == "True"
    (compiled,) = (tmp_path / "kernels").iterdir()
    written = compiled.stat().st_mtime_ns
    assert available(SUPERNET_BENCH_CACHE=str(tmp_path)) == "True"
    assert compiled.stat().st_mtime_ns == written


def test_can_be_switched_off(tmp_path) -> None:
    assert available(SUPERNET_BENCH_CACHE=str(tmp_path), SUPERNET_BENCH_KERNELS="0") == "False"
    assert not any(tmp_path.iterdir())


def test_no_compiler_is_no_error(tmp_path) -> None:
    assert available(SUPERNET_BENCH_CACHE=str(tmp_path), PATH=str(tmp_path)) == "False"


def test_a_compiler_that_fails_is_no_error_and_leaves_nothing(tmp_path) -> None:
    broken = tmp_path / "c++"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && exit 0\necho unsupported flag >&2\nexit 1\n')
    broken.chmod(0o755)
    cache = tmp_path / "cache"
    assert available(SUPERNET_BENCH_CACHE=str(cache), CXX=str(broken)) == "False"
    assert not cache.exists()


def test_source_compiler_and_processor_have_files_of_their_own(tmp_path, monkeypatch) -> None:
    compilers = []
    for version in ("1", "2"):
        compiler = tmp_path / f"c++{version}"
        compiler.write_text(f"#!/bin/sh\necho version {version}\n")
        compiler.chmod(0o755)
        compilers.append(str(compiler))
    names = {module._fingerprint(compiler) for compiler in compilers}
    monkeypatch.setattr(module, "FLAGS", (*module.FLAGS, "-DANOTHER"))
    names.add(module._fingerprint(compilers[0]))
    monkeypatch.setattr(module, "_processor", lambda: b"another")
    names.add(module._fingerprint(compilers[0]))
    assert len(names) == 4

"""Compiling, keeping and doing without the kernels."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from supernet_bench.engines.cpu import library as module
from supernet_bench.engines.cpu.library import why_none

PROBE = "from supernet_bench.engines.cpu.library import library, why_none; print(library() is not None, why_none())"


def available(**environment: str) -> str:
    """Return what a fresh process says about the kernels."""
    output = subprocess.run(
        [sys.executable, "-c", PROBE],
        env=os.environ | {module.SETTING: "1"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return output.stdout.strip()


def compiler_in(folder: Path, *lines: str) -> str:
    """Write a compiler that has a version, and then does what some lines of shell do."""
    compiler = folder / "c++"
    compiler.write_text("\n".join(["#!/bin/sh", '[ "$1" = --version ] && exit 0', *lines]))
    compiler.chmod(0o755)
    return str(compiler)


@pytest.mark.skipif(why_none() is not None, reason=f"compiling the kernels is NOT tested: {why_none()}")
def test_compiled_once_into_the_cache_folder(tmp_path) -> None:
    assert available(SUPERNET_BENCH_CACHE=str(tmp_path)) == "True None"
    (compiled,) = (tmp_path / "kernels").iterdir()
    written = compiled.stat().st_mtime_ns
    assert available(SUPERNET_BENCH_CACHE=str(tmp_path)) == "True None"
    assert compiled.stat().st_mtime_ns == written


def test_can_be_switched_off(tmp_path) -> None:
    said = available(SUPERNET_BENCH_CACHE=str(tmp_path), SUPERNET_BENCH_KERNELS="0")
    assert said == "False they are switched off by SUPERNET_BENCH_KERNELS=0"
    assert not any(tmp_path.iterdir())


def test_no_compiler_is_no_error(tmp_path) -> None:
    said = available(SUPERNET_BENCH_CACHE=str(tmp_path), PATH=str(tmp_path), CXX="")
    assert said == "False there is no C++ compiler (c++, g++, clang++); install one, such as g++"


def test_a_compiler_that_fails_is_no_error_and_leaves_nothing(tmp_path) -> None:
    broken = compiler_in(tmp_path, "echo In function f: >&2", "echo c++: error: unsupported flag >&2", "exit 1")
    cache = tmp_path / "cache"
    assert available(SUPERNET_BENCH_CACHE=str(cache), CXX=broken) == (
        f"False compiling with {broken} failed (c++: error: unsupported flag); CXX may name another compiler"
    )
    assert not cache.exists()


@pytest.mark.parametrize(
    ("lines", "reason"),
    [(["exit 3"], "exit code 3"), (["exit 0"], "No such file or directory")],
    ids=["silent", "lazy"],
)
def test_a_compiler_that_says_nothing_is_named(tmp_path, lines: list[str], reason: str) -> None:
    compiler = compiler_in(tmp_path, *lines)
    assert f"compiling with {compiler} failed ({reason})" in available(SUPERNET_BENCH_CACHE=str(tmp_path), CXX=compiler)


def test_a_compiler_that_does_not_end_is_no_error(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = compiler_in(tmp_path, "exec sleep 60")
    monkeypatch.setattr(module, "COMPILER_SECONDS", 0.5)
    line = r"failed \(it took longer than 0\.5 s\); CXX may name another"
    with pytest.raises(module.Unavailable, match=line), module._or_unavailable("it failed", "CXX may name another"):
        module._compiled(compiler)


WRITES_NOTHING = 'while [ "$1" != -o ]; do shift; done; echo > "$2"'


def test_a_cache_folder_that_cannot_be_used_is_named(tmp_path) -> None:
    compiler = compiler_in(tmp_path, WRITES_NOTHING)
    file = tmp_path / "file"
    file.touch()
    assert available(SUPERNET_BENCH_CACHE=str(file), CXX=compiler) == (
        f"False the cache folder {file / 'kernels'} cannot be used (cannot be written: Not a directory); "
        "SUPERNET_BENCH_CACHE may name another"
    )
    said = available(SUPERNET_BENCH_CACHE=str(tmp_path), CXX=compiler)
    assert f"the cache folder {tmp_path / 'kernels'} cannot be used" in said
    assert "file too short" in said  # The loader's words; they would be others where programs may not be loaded from.


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

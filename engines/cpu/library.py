"""Compiling and loading the kernels."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

from supernet_bench.core.downloads import cache_folder
from supernet_bench.core.errors import InputError
from supernet_bench.core.files import write_atomically

SETTING = "SUPERNET_BENCH_KERNELS"
"""Environment variable; ``0`` leaves everything to PyTorch."""

FOLDER = Path(__file__).parent
SOURCES = ("maps.cpp", "convolution.cpp", "sgd.cpp")
HEADERS = ("vectors.h",)
COMPILER_SECONDS = 600.0
"""How long the compiler may take; on a loaded machine it needs a minute."""

FLAGS = ("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fopenmp", "-fPIC", "-shared")

_POINTER, _INT, _FLOAT = ctypes.c_void_p, ctypes.c_int, ctypes.c_float
_ARGUMENTS = {
    "statistics": [_POINTER, _INT, _INT, _POINTER, _POINTER, _POINTER, _FLOAT, _POINTER],
    "combine": [_POINTER, _INT, _INT, _INT, _INT, _INT, _POINTER, _POINTER, _POINTER],
    "norm_backward": [_POINTER, _INT, _INT, _POINTER, _POINTER, _POINTER, _FLOAT, _POINTER, _POINTER],
    "gather": [_POINTER, _INT, _INT, _INT, _INT, _INT, _POINTER, _POINTER, _POINTER],
    "convolve": [_POINTER, _INT, _INT, _POINTER, _POINTER, _POINTER],
    "convolve_backward_inputs": [_POINTER, _INT, _INT, _POINTER, _POINTER, _POINTER],
    "convolve_backward_weights": [_POINTER, _INT, _INT, _POINTER, _POINTER, _POINTER],
    "sgd": [_INT, _POINTER, _POINTER, _POINTER, _POINTER, _POINTER, _FLOAT, _FLOAT, _FLOAT, _INT],
}


class Unavailable(Exception):
    """Why there are no kernels and what would help, in one line."""


def library() -> ctypes.CDLL | None:
    """Return the compiled kernels, or None if they are switched off or cannot be compiled or loaded.

    They are compiled in seconds when first used, and kept in the cache folder, under a name that depends on the
    source, the compiler and the processor.
    """
    loaded = _loaded()
    return None if isinstance(loaded, Unavailable) else loaded


def why_none() -> str | None:
    """Return why there are no kernels and what would help, in one line; None if there are."""
    loaded = _loaded()
    return str(loaded) if isinstance(loaded, Unavailable) else None


@cache
def _loaded() -> ctypes.CDLL | Unavailable:
    try:
        loaded = _load(_compiler())
    except Unavailable as why:
        return why
    except InputError as error:
        return Unavailable(str(error))
    for name, arguments in _ARGUMENTS.items():
        getattr(loaded, f"supernet_{name}").argtypes = arguments
    return loaded


def _compiler() -> str:
    if os.environ.get(SETTING) == "0":
        raise Unavailable(f"they are switched off by {SETTING}=0")
    names = [name for name in (os.environ.get("CXX"), "c++", "g++", "clang++") if name]
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        raise Unavailable(f"there is no C++ compiler ({', '.join(names)}); install one, such as g++")
    return found


def _load(compiler: str) -> ctypes.CDLL:
    """Return what is in the cache folder, after it was compiled if need be."""
    compiling = partial(_or_unavailable, f"compiling with {compiler} failed", "CXX may name another compiler")
    folder = cache_folder() / "kernels"
    keeping = partial(
        _or_unavailable, f"the cache folder {folder} cannot be used", "SUPERNET_BENCH_CACHE may name another"
    )
    with compiling():
        path = folder / f"{_fingerprint(compiler)}.so"
    with keeping():
        exists = path.exists()
    if not exists:
        with compiling():
            content = _compiled(compiler)
        with keeping():
            write_atomically(path, content)
    with keeping():
        return ctypes.CDLL(str(path))


@contextmanager
def _or_unavailable(what: str, remedy: str) -> Iterator[None]:
    """Tell the reason of a failure."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{what} ({error.strerror or error}); {remedy}") from error
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{what} ({_first_error(error)}); {remedy}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{what} (it took longer than {error.timeout:g} s); {remedy}") from error


def _first_error(error: subprocess.CalledProcessError) -> str:
    """Return the line of a compiler that says what is wrong: the first that speaks of an error, else the first."""
    lines = [line.strip() for line in error.stderr.decode(errors="replace").splitlines() if line.strip()]
    wrong = (line for line in lines if "error" in line.lower())
    return next(wrong, lines[0] if lines else f"exit code {error.returncode}")


def _fingerprint(compiler: str) -> str:
    """Return a hash of all that the compiled code depends on."""
    sources = [(FOLDER / name).read_bytes() for name in SOURCES + HEADERS]
    version = subprocess.run([compiler, "--version"], capture_output=True, check=True, timeout=COMPILER_SECONDS).stdout
    parts = [*sources, " ".join(FLAGS).encode(), version, _processor()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _processor() -> bytes:
    """Return what tells processors with different instructions apart."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}".encode()
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})).encode()


def _compiled(compiler: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "kernels.so"
        sources = [str(FOLDER / name) for name in SOURCES]
        command = [compiler, *FLAGS, *sources, "-o", str(output)]
        subprocess.run(command, capture_output=True, check=True, timeout=COMPILER_SECONDS)
        return output.read_bytes()

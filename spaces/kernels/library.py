"""Compiling and loading the kernels."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from benchmark.data import cache_folder
from benchmark.errors import InputError
from benchmark.files import write_atomically

SETTING = "SUPERNET_BENCH_KERNELS"
"""Environment variable; ``0`` leaves everything to PyTorch."""

FOLDER = Path(__file__).parent
SOURCES = ("maps.cpp", "convolution.cpp", "sgd.cpp")
HEADERS = ("vectors.h",)
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


@cache
def library() -> ctypes.CDLL | None:
    """Return the compiled kernels, or None if they are switched off or cannot be compiled or loaded.

    They are compiled in seconds when first used, and kept in the cache folder, under a name that depends on the
    source, the compiler and the processor.
    """
    compiler = _compiler()
    if os.environ.get(SETTING) == "0" or compiler is None:
        return None
    try:
        path = cache_folder() / "kernels" / f"{_fingerprint(compiler)}.so"
        if not path.exists():
            write_atomically(path, _compiled(compiler))
        loaded = ctypes.CDLL(str(path))
    except (InputError, OSError, subprocess.CalledProcessError):
        return None
    for name, arguments in _ARGUMENTS.items():
        getattr(loaded, f"supernet_{name}").argtypes = arguments
    return loaded


def _compiler() -> str | None:
    names = (os.environ.get("CXX"), "c++", "g++", "clang++")
    found = (shutil.which(name) for name in names if name)
    return next((path for path in found if path), None)


def _fingerprint(compiler: str) -> str:
    """Return a hash of all that the compiled code depends on."""
    sources = [(FOLDER / name).read_bytes() for name in SOURCES + HEADERS]
    version = subprocess.run([compiler, "--version"], capture_output=True, check=True).stdout
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
        subprocess.run([compiler, *FLAGS, *sources, "-o", str(output)], capture_output=True, check=True)
        return output.read_bytes()

"""A plug-in in one file of the user's own: reading it, and importing it without a package or a folder to find it in.

What is read travels with a run as text, so that all processes of a study, on whatever machine, execute the same, be the
file edited meanwhile or out of their reach.
"""

import hashlib
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.abc import ExecutionLoader
from importlib.util import decode_source, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from supernet_bench.core.errors import InputError

_PREFIX = "supernet_bench_file_"
_DIGITS = 12


@dataclass(frozen=True)
class PluginFile:
    """What a file said when it was read.

    Attributes
    ----------
    path : Path
        Absolute, for messages.
    text : str
    """

    path: Path
    text: str

    @property
    def module(self) -> str:
        """Name of its module, of no other file or text, and of no module that is installed."""
        stem = re.sub(r"\W", "_", self.path.stem)
        digest = hashlib.sha256(f"{self.path}\n{self.text}".encode(errors="surrogatepass")).hexdigest()
        return f"{_PREFIX}{stem}_{digest[:_DIGITS]}"


def read_plugin_file(path: Path) -> PluginFile:
    """Read a file that may hold plug-ins, without executing it.

    Raises
    ------
    InputError
        If it is not there, is no file of Python, or cannot be read.
    """
    allowed = "allowed: a file of Python, NAME.py"
    try:
        if not path.exists():
            raise InputError(f"plug-in file {path} does not exist; {allowed}")
        if not path.is_file() or path.suffix != ".py":
            raise InputError(f"plug-in file {path} is {'a folder' if path.is_dir() else 'something else'}; {allowed}")
        return PluginFile(path.resolve(), decode_source(path.read_bytes()))
    except (SyntaxError, UnicodeError):  # It may name an encoding of its own.
        raise InputError(f"plug-in file {path} is in another encoding than it says; allowed: UTF-8") from None
    except OSError as error:
        raise InputError(f"plug-in file {path} cannot be read: {error}") from None


def merged(*groups: Iterable[PluginFile]) -> tuple[PluginFile, ...]:
    """Return all files in the order of their names; of two readings of a file the later."""
    latest = {file.path: file for group in groups for file in group}
    return tuple(latest[path] for path in sorted(latest))


def import_plugin_file(file: PluginFile) -> ModuleType:
    """Return the module of a file, which is executed at most once in a process.

    It is among the modules of the process, so that its classes can be pickled and their types be resolved.

    Raises
    ------
    Exception
        Whatever executing it raises, SystemExit included.
    """
    if file.module in sys.modules:
        return sys.modules[file.module]
    spec = spec_from_file_location(file.module, file.path, loader=_Loader(file))
    assert spec is not None
    module = sys.modules[file.module] = module_from_spec(spec)
    try:
        _Loader(file).exec_module(module)
    except BaseException:
        del sys.modules[file.module]
        raise
    return module


def place(module: str) -> str:
    """Return what messages call a module: its name, or the file if it is one of the user's own."""
    return str(sys.modules[module].__file__) if module.startswith(_PREFIX) else module


class _Loader(ExecutionLoader):
    """Loads what was read: the file may have been edited since, and compiled code that Python keeps may be older."""

    def __init__(self, file: PluginFile) -> None:
        self._file = file

    def get_filename(self, fullname: str) -> str:
        return str(self._file.path)

    def get_source(self, fullname: str) -> str:
        return self._file.text

"""What executes runs, and how it is found."""

import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType
from typing import Protocol

from supernet_bench.benchmark.execution import executors
from supernet_bench.benchmark.execution.attempts import Attempts
from supernet_bench.benchmark.execution.resources import Resources
from supernet_bench.benchmark.plugins.contracts import with_line
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.errors import InputError, unknown


class Executor(Protocol):
    """Executes runs; what is in the store afterwards does not depend on which.

    An executor is a module of this folder with the function ``make(resources, runs)``, which returns one for a study
    of that many runs. It is chosen by the name of the module, and imported only then; what it needs beyond PyTorch and
    NumPy is the extra of the same name.
    """

    def run(self, specs: Sequence[RunSpec], attempts: Attempts) -> None:
        """Return when each run has a record, or is executed by another process.

        Raises
        ------
        InputError, OSError
            If a run cannot be executed for a reason that the user can mend.
        """


def executor_names() -> list[str]:
    """Return the names of all executors, without importing them."""
    names = [module.name for module in pkgutil.iter_modules(executors.__path__)]
    return [name for name in names if name != "base" and name.isidentifier()]


def make_executor(resources: Resources, runs: int) -> Executor:
    """Return the executor for a study of `runs` runs.

    Raises
    ------
    InputError
        If there is none of that name, or options do not fit it.
    """
    resources.check()
    executor: Executor = find_executor(resources.executor).make(resources, runs)
    return executor


def find_executor(name: str) -> ModuleType:
    """Return the module of an executor.

    Raises
    ------
    InputError
        If there is none of that name, a package that it needs is not installed, or it is none.
    """
    if name not in executor_names():
        raise unknown("executor", name, executor_names())
    try:
        module = importlib.import_module(f"{executors.__name__}.{name}")
    except ModuleNotFoundError as error:
        raise InputError(
            f"executor {name!r} needs the package {error.name}; install it: pip install 'supernet-bench[{name}]'"
        ) from None
    except Exception as error:  # A plug-in may fail to import in any way.
        raise InputError(f"executor {name!r} cannot be imported: {with_line(error)}") from error
    if not callable(getattr(module, "make", None)):
        raise InputError(f"executor {name!r} has no function make; allowed: {module.__name__}.make(resources, runs)")
    return module

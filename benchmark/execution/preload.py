"""What takes seconds to import; the server that workers are forked from imports this module once."""

import os
from contextlib import suppress

import torch

import supernet_bench.benchmark.execution.worker  # noqa: F401
from supernet_bench.benchmark.plugins.digests import digest
from supernet_bench.benchmark.plugins.registry import KINDS, plugin_types

# A plug-in may ask when it is imported whether there is a GPU. Asked through CUDA, no forked process could use one.
os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"

# To fork is safe with one thread alone: what others have locked stays so. The memory of pyarrow, which scikit-learn may
# import, is otherwise looked after by a thread from then on.
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")

with suppress(ImportError):
    import sklearn.datasets  # noqa: F401  # The digits come from it.

for plugin in (plugin for kind in KINDS for plugin in plugin_types(kind).values()):
    digest(plugin)  # Of the text that has just been imported: it may be edited before a worker asks.
torch.optim.SGD([torch.zeros(1, requires_grad=True)])  # The first optimiser imports PyTorch's compiler.

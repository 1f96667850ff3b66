"""What the fork server of `tests.warm` reads: all that commands import, and nothing that starts threads.

polars stays out, as its thread pool does not survive a fork, and no operation of torch is run: OpenMP's threads
don't either.
"""

import importlib
import pkgutil
import threading

import peft  # noqa: F401
import safetensors.torch  # noqa: F401
import sklearn.linear_model  # noqa: F401
import torch  # noqa: F401
import transformers.models.llama.modeling_llama
import transformers.models.qwen2.modeling_qwen2  # noqa: F401

import sftloop
import sftloop.cli

for _, name, _ in pkgutil.walk_packages(sftloop.__path__, "sftloop."):
    if not name.endswith("__main__"):
        importlib.import_module(name)
if threading.active_count() > 1:
    raise RuntimeError("A thread is running, which the commands' processes would lack.")

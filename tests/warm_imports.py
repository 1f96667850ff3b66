"""What the fork server of `tests.warm` reads: all that commands import, and nothing that starts threads.

polars stays out, as its thread pool does not survive a fork, and no operation of torch is run: OpenMP's threads
don't either.
"""

import importlib
import pkgutil
import threading
import warnings

import sftloop

_LIBRARIES = (
    "torch",
    "transformers.models.llama.modeling_llama",
    "transformers.models.qwen2.modeling_qwen2",
    "peft",
    "safetensors.torch",
    "sklearn.linear_model",
)
_OWN = [name for _, name, _ in pkgutil.walk_packages(sftloop.__path__, "sftloop.") if "__main__" not in name]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for _name in (*_LIBRARIES, *_OWN):
        importlib.import_module(_name)
if threading.active_count() > 1:
    raise RuntimeError("A thread is running, which the commands' processes would lack.")

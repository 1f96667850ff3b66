"""Weights and adapters from safetensors into memory, whole or not at all.

Knows transformers' and peft's loading; doesn't know where the files come from (`resolve`) or what the model is
asked. What a configuration wants and the files lack would be drawn at random by transformers; here it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from logging import CRITICAL, ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from sftloop.core.errors import ModelError
from sftloop.core.memory import is_out_of_memory
from sftloop.core.settings import settings

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.utils.quantization_config import QuantizationConfigMixin


def require_supported(directory: Path) -> None:
    """Refuse what is no causal language model, before its weights are loaded.

    Raises:
        ModelError: naming the file or the architecture and the reason.
    """
    from huggingface_hub.errors import StrictDataclassError
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig

    try:
        config = AutoConfig.from_pretrained(directory, trust_remote_code=False)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, StrictDataclassError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ModelError(
            f"'{directory / 'config.json'}' describes no model: {reason}.",
            hint="Copy or fetch the model again.",
        ) from error
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ModelError(
            f"'{directory.name}' is not a causal language model that transformers knows: its architecture is "
            f"'{config.model_type}'.",
            hint="Choose another base model (sftloop models list).",
        )


def load_causal_lm(
    directory: Path, device: str, dtype: torch.dtype, *, quantised: QuantizationConfigMixin | None = None
) -> PreTrainedModel:
    """Load a causal language model from safetensors, quantised on the way if asked for.

    Raises:
        ModelError: weights missing, damaged, not in safetensors, or others than config.json describes.
    """
    import transformers
    from safetensors import SafetensorError

    auto: Any = transformers.AutoModelForCausalLM
    getLogger("bitsandbytes").setLevel(ERROR)  # peft imports it for any adapter; it warns where it has no GPU
    if threads := settings().threads:
        torch.set_num_threads(threads)
    try:
        with _quiet_transformers():
            model, report = auto.from_pretrained(
                directory,
                dtype=dtype,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                trust_remote_code=False,
                output_loading_info=True,
                **({"quantization_config": quantised} if quantised else {}),
            )
    except (OSError, ValueError, RuntimeError, ImportError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(
            f"The weights in '{directory}' can't be loaded: {str(error).splitlines()[0]}",
            hint="Fetch the model again (sftloop models pull NAME) or give another path.",
        ) from error
    _require_whole(directory, report)
    loaded: PreTrainedModel = model.to(torch.device(device))
    return loaded


def load_adapter(model: PreTrainedModel, adapter: Path) -> PreTrainedModel:
    """Put a peft adapter on a loaded base model.

    Raises:
        ModelError: the adapter can't be read or doesn't fit.
    """
    from peft import PeftModel
    from safetensors import SafetensorError

    try:
        wrapped = PeftModel.from_pretrained(model, adapter)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(
            f"The adapter in '{adapter}' doesn't load on this base model: {str(error).splitlines()[0]}",
            hint="Give the base model it was trained on (see adapter_config.json).",
        ) from error
    return cast("PreTrainedModel", wrapped)


def _require_whole(directory: Path, report: dict[str, Any]) -> None:
    """Refuse weights that transformers filled up at random, naming one of them."""
    missing = sorted(report["missing_keys"])
    misfits = sorted(report["mismatched_keys"])
    if misfits:
        name, found, wanted = misfits[0]
        what = f"'{name}' is {_times(found)} in the file and {_times(wanted)} by config.json"
    elif missing:
        what = f"'{missing[0]}' is not in the file"
    else:
        return
    others = len(missing) + len(misfits) - 1
    raise ModelError(
        f"The weights in '{directory}' are not those its config.json describes: {what}"
        f"{f' (and {others} more)' if others else ''}.",
        hint="Copy or fetch config.json and weights again, together.",
    )


def _times(shape: Any) -> str:
    return " × ".join(map(str, shape))


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Keep transformers from printing bars and tables of misfits; what matters is said in our message."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    usual = logging.get_verbosity()
    logging.set_verbosity(CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(usual)

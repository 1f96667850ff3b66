"""Decides whether a directory holds a causal language model that can be loaded safely, and says why if not.

Reads configuration and weight headers only; loads no tensor and imports no torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError, ModelError
from sftloop.core.files import read_json
from sftloop.models.weights import read_shapes, weight_files

_PICKLE_ENDINGS = {".bin", ".pt", ".pth", ".ckpt", ".pkl"}
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")


def check_model_directory(directory: Path) -> None:
    """Make sure that a directory is a causal language model in safetensors with a tokenizer.

    Args:
        directory: what the user named, or what was fetched.

    Raises:
        ModelError: naming what is missing, of the wrong kind, damaged or unsafe, and the next step.
    """
    if not directory.is_dir():
        raise ModelError(
            f"'{directory}' is a file, not a model directory.",
            hint="Give the directory that holds config.json and model.safetensors.",
        )
    config = _config(directory)
    _check_architecture(directory, config)
    _check_quantisation(directory, config)
    _check_weights(directory)
    if not any((directory / name).is_file() for name in _TOKENIZERS):
        raise ModelError(
            f"The model in '{directory}' has no tokenizer (none of {', '.join(_TOKENIZERS)}).",
            hint="Save the tokenizer there too: tokenizer.save_pretrained(directory).",
        )


def _config(directory: Path) -> dict[str, Any]:
    path = directory / "config.json"
    if not path.is_file():
        if (directory / "adapter_config.json").is_file():
            raise ModelError(
                f"'{directory}' is an adapter, not a model.",
                hint=f"Give its base model with --model and this directory with --adapter {directory}.",
            )
        raise ModelError(f"'{directory}' is not a model: it has no config.json.", hint="Check the path.")
    try:
        config = read_json(path, "the model's configuration")
    except DataError as error:
        raise ModelError(error.message, hint="Copy or fetch the model again.") from None
    if not isinstance(config, dict):
        raise ModelError(f"'{path}' holds no JSON object.", hint="Copy or fetch the model again.")
    return config


def _check_architecture(directory: Path, config: dict[str, Any]) -> None:
    from transformers import CONFIG_MAPPING

    kind = str(config.get("model_type", ""))
    if kind not in CONFIG_MAPPING and "auto_map" in config:
        raise ModelError(
            f"The model in '{directory}' needs Python code of its own (auto_map in config.json), which is not "
            f"run: this transformers doesn't know its type '{kind or 'none'}'.",
            hint="Update transformers, or choose another model (sftloop models list).",
        )
    if kind not in CONFIG_MAPPING:
        raise ModelError(
            f"The model in '{directory}' is of type '{kind or 'none'}', which this transformers doesn't know.",
            hint="Update transformers, or choose another model (sftloop models list).",
        )
    names = config.get("architectures") or [_default_architecture(kind)]
    if not any(_is_causal(str(name)) for name in names):
        raise ModelError(
            f"The model in '{directory}' is a {names[0]}; a causal language model (…ForCausalLM) is needed.",
            hint="Choose a generative model (sftloop models list).",
        )


def _check_quantisation(directory: Path, config: dict[str, Any]) -> None:
    quantised = config.get("quantization_config")
    kind = str(quantised.get("quant_method", "")) if isinstance(quantised, dict) else ""
    if kind not in ("", "bitsandbytes"):
        raise ModelError(
            f"The weights in '{directory}' are quantised ({kind}); they can neither be trained nor measured here.",
            hint="Give the same model unquantised; method 'qlora' quantises it while it trains.",
        )


def _is_causal(architecture: str) -> bool:
    if architecture.endswith(("ForCausalLM", "LMHeadModel")):
        return True
    return architecture in _causal_architectures().values()


def _default_architecture(kind: str) -> str:
    return _causal_architectures().get(kind, f"'{kind}'")


def _causal_architectures() -> dict[str, str]:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return {key: str(value) for key, value in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.items()}


def _check_weights(directory: Path) -> None:
    files = weight_files(directory)
    for path in files:
        read_shapes(path)
    if files:
        return
    pickles = sorted(path.name for path in directory.iterdir() if path.suffix in _PICKLE_ENDINGS)
    if pickles:
        raise ModelError(
            f"The model in '{directory}' has its weights in a pickle only ({pickles[0]}), which can run code when "
            "it is opened; it is not loaded.",
            hint="Convert it where you trust it: AutoModelForCausalLM.from_pretrained(…).save_pretrained(…).",
        )
    raise ModelError(
        f"'{directory}' has no weights: neither model.safetensors nor its shards' index.",
        hint="Copy or fetch the model again.",
    )

"""Turns a quantised GGUF file into an ordinary model directory: safetensors, tokenizer, chat template.

The dequantisation is transformers' own. What its conversion loses of the tokenizer is put back, and an output
matrix that equals the embedding up to quantisation noise is tied to it again. Doesn't know where the file
came from.
"""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import ExternalError, ModelError
from sftloop.models.cache import Log

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TIE_BELOW = 0.1
"""Relative difference of output matrix and embedding below which they are one matrix, quantised twice.

Rounding to 4–6 bits makes 0.03–0.08; two matrices that were trained apart differ by 1 or more.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tying:
    """What was measured of the output matrix, and what was done with it."""

    in_file: bool
    """The file has an output matrix of its own."""
    relative_difference: float
    """‖output − embedding‖ / ‖output‖ (Frobenius), 0 when the file has one matrix only."""
    threshold: float
    tied: bool
    """The model has one matrix: the file's output matrix, which is quantised more finely."""


def convert_gguf(file: Path, target: Path, log: Log | None = None) -> dict[str, Any]:
    """Write a GGUF file's model as bf16 safetensors, with its tokenizer, into the empty directory `target`.

    bf16 is what these models were trained in; rounding to it (2⁻⁹ relative) is far below the quantisation's
    noise. The measured rounding is part of the answer.

    Returns:
        What was done and measured, for the provenance file.

    Raises:
        ModelError: not a GGUF file, or a tokenizer whose rules are not known here.
        ExternalError: the disk is full.
    """
    import torch

    if log:
        log(f"Converting {file.name} ({file.stat().st_size / 1e6:.0f} MB) to safetensors, once")
    header = _read_header(file)
    tokenizer = _tokenizer(file, header)
    model = _load(file)
    tying = tie_if_equal(model)
    rounding = _round_to(model, torch.bfloat16)
    _clean(model, tokenizer, header)
    _save(model, tokenizer, target)
    return {
        "quantisation_types": header.types,
        "output_matrix": asdict(tying),
        "bf16_relative_rounding": rounding,
        "converted_with": {name: version(name) for name in ("transformers", "gguf", "torch")},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    pre: str
    """Name of the rules that cut text before byte-pair encoding."""
    types: dict[str, int]
    """Quantisation type → number of tensors."""


def _read_header(file: Path) -> _Header:
    from gguf import GGUFReader

    try:
        reader = GGUFReader(file)
        field = reader.get_field("tokenizer.ggml.pre")
        types: dict[str, int] = {}
        for tensor in reader.tensors:
            types[tensor.tensor_type.name] = types.get(tensor.tensor_type.name, 0) + 1
        return _Header(pre=str(field.contents()) if field else "", types=dict(sorted(types.items())))
    except (ValueError, KeyError, IndexError) as error:
        raise ModelError(f"'{file}' is no readable GGUF file: {error}.") from error


def _load(file: Path) -> PreTrainedModel:
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils.quantization_config import GgufConfig

    with _quiet():
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            file.parent,
            gguf_file=file.name,
            dtype=torch.float32,
            quantization_config=GgufConfig(dequantize=True),
            local_files_only=True,
        )
    return model


def tie_if_equal(model: PreTrainedModel) -> Tying:
    """Make output matrix and embedding one again when they differ by quantisation noise only.

    Args:
        model: changed in place; the shared matrix is the output matrix.
    """
    embedding: Tensor = model.get_input_embeddings().weight  # type: ignore[assignment]
    output: Tensor = model.get_output_embeddings().weight
    if embedding.data_ptr() == output.data_ptr():
        return Tying(in_file=False, relative_difference=0.0, threshold=TIE_BELOW, tied=True)
    difference = ((output - embedding).float().norm() / output.float().norm()).item()
    tied = difference < TIE_BELOW
    if tied:
        model.get_input_embeddings().weight = output
        model.config.tie_word_embeddings = True
    return Tying(in_file=True, relative_difference=round(difference, 5), threshold=TIE_BELOW, tied=tied)


def _round_to(model: PreTrainedModel, dtype: Any) -> float:
    """Convert the model in place; return the relative rounding of all weights together."""
    import torch

    changed, size = 0.0, 0.0
    with torch.no_grad():
        for weight in model.parameters():
            exact = weight.data
            weight.data = exact.to(dtype)
            changed += (weight.data.float() - exact).square().sum(dtype=torch.float64).item()
            size += exact.square().sum(dtype=torch.float64).item()
    model.config.dtype = dtype
    return float(f"{(changed / size) ** 0.5:.3g}")


def _tokenizer(file: Path, header: _Header) -> PreTrainedTokenizerBase:
    """Return the file's tokenizer with the text rules that transformers' GGUF conversion leaves out.

    `smollm` cuts digits one by one before byte-level encoding (without it "  512" splits its spaces
    otherwise); `qwen2` brings text to Unicode form NFC. Both are so in the models' own tokenizer.json.
    """
    from tokenizers import normalizers, pre_tokenizers
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
    rules = tokenizer.backend_tokenizer
    if header.pre == "smollm":
        bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        rules.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), bytes_])
    elif header.pre == "qwen2":
        rules.normalizer = normalizers.NFC()
    else:
        raise ModelError(
            f"'{file}' has a tokenizer of type '{header.pre}', whose rules are not known here.",
            hint="Use the model's safetensors instead; of GGUF files only smollm and qwen2 can be converted.",
        )
    ready: PreTrainedTokenizerBase = tokenizer
    return ready


def _clean(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, header: _Header) -> None:
    """Set what generation needs, and drop what only says how the file was read."""
    ends = [tokenizer.eos_token_id]
    if header.pre == "qwen2":
        ends.append(tokenizer.convert_tokens_to_ids("<|endoftext|>"))
    model.generation_config.eos_token_id = ends if len(ends) > 1 else ends[0]
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    tokenizer.model_max_length = model.config.max_position_embeddings
    for name in ("quantization_config", "_model_name_or_path"):
        if hasattr(model.config, name):
            delattr(model.config, name)
    model.config.name_or_path = ""


def _save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, target: Path) -> None:
    from safetensors import SafetensorError

    try:
        with _quiet():
            model.save_pretrained(target)
            tokenizer.save_pretrained(target)
    except SafetensorError as error:
        raise ExternalError(
            f"Can't write the model to '{target}': {error}.",
            hint="Free space on the disk, then run it again.",
        ) from error


class _quiet:
    """Silences transformers' progress bars and notes; exceptions still pass."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        self._level = logging.get_verbosity()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self._stderr = redirect_stderr(io.StringIO())
        self._stderr.__enter__()

    def __exit__(self, *details: object) -> None:
        from transformers.utils import logging

        self._stderr.__exit__(None, None, None)
        logging.set_verbosity(self._level)
        logging.enable_progress_bar()

"""LoRA over weights kept in four bits."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch

from sftloop.core.errors import UsageError
from sftloop.models import choose_dtype, load_causal_lm
from sftloop.train.methods.lora import LoraMethod

if TYPE_CHECKING:
    from transformers import PreTrainedModel


_REPACKS = "support_avx512bf16_for_cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class QloraMethod(LoraMethod):
    """LoRA beside weights in 4-bit NormalFloat (Dettmers et al. 2023, arXiv:2305.14314), with bitsandbytes."""

    name: ClassVar[str] = "qlora"

    def load(self, directory: Path, device: str) -> PreTrainedModel:
        """Load the weights in four bits; products are computed in the dtype that is fast here.

        Raises:
            UsageError: bitsandbytes isn't installed.
            ModelError: the weights can't be loaded.
        """
        from transformers import BitsAndBytesConfig

        if find_spec("bitsandbytes") is None:
            raise UsageError(
                "The method 'qlora' needs bitsandbytes, which isn't installed.",
                hint="pip install 'sftloop[qlora]', or take --method lora.",
            )
        quantised = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=choose_dtype(device),
        )
        model = load_causal_lm(directory, device, torch.float32, quantised=quantised)
        for module in model.modules():
            if hasattr(module, _REPACKS):  # validation would rewrite the weights for inference only
                setattr(module, _REPACKS, False)
        return model

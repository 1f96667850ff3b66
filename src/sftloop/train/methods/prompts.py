"""Methods that learn virtual tokens in front of the prompt: prompt tuning, P-tuning, prefix tuning.

The virtual tokens come first and are the same for every record, so they are part of the shared prefix.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from sftloop.train.methods.base import Method

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualTokensMethod(Method):
    """Frozen weights, learned virtual tokens."""

    virtual_tokens: int = 20
    """How many are put in front of the prompt."""

    def set_up(self, model: PreTrainedModel) -> PreTrainedModel:
        """Freeze the weights and put virtual tokens in front."""
        from peft import get_peft_model

        return cast("PreTrainedModel", get_peft_model(model, self.config(model)))

    @abstractmethod
    def config(self, model: PreTrainedModel) -> PeftConfig:
        """Return peft's configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTuningMethod(VirtualTokensMethod):
    """Learned embeddings in front of the prompt (Lester et al. 2021, arXiv:2104.08691)."""

    name: ClassVar[str] = "prompt"
    small_rate: ClassVar[float] = 3e-2
    large_rate: ClassVar[float] = 1e-2

    def config(self, model: PreTrainedModel) -> PeftConfig:
        """Start from embeddings of random words, which learn faster than random vectors."""
        from peft import PromptTuningConfig

        return PromptTuningConfig(
            task_type="CAUSAL_LM",
            num_virtual_tokens=self.virtual_tokens,
            prompt_tuning_init="SAMPLE_VOCAB",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PTuningMethod(VirtualTokensMethod):
    """Embeddings that a small network makes (Liu et al. 2021, arXiv:2103.10385)."""

    name: ClassVar[str] = "ptuning"
    small_rate: ClassVar[float] = 1e-3
    large_rate: ClassVar[float] = 3e-4

    def config(self, model: PreTrainedModel) -> PeftConfig:
        """Use two hidden layers as wide as the model."""
        from peft import PromptEncoderConfig

        return PromptEncoderConfig(
            task_type="CAUSAL_LM",
            num_virtual_tokens=self.virtual_tokens,
            encoder_hidden_size=model.config.get_text_config().hidden_size,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixTuningMethod(VirtualTokensMethod):
    """Learned keys and values in front of every layer (Li and Liang 2021, arXiv:2101.00190)."""

    name: ClassVar[str] = "prefix"
    small_rate: ClassVar[float] = 1e-2
    large_rate: ClassVar[float] = 3e-3

    def config(self, model: PreTrainedModel) -> PeftConfig:
        """Learn keys and values themselves, without a network behind them."""
        from peft import PrefixTuningConfig

        return PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=self.virtual_tokens)

"""Prompts run in full give what the shared path gives, and serve architectures that can't share."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.tiny_models import tiny_model
from tests.unit.models.test_label_scores import LABELS, by_themselves, opened, prompts
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from sftloop.models import in_full
from sftloop.models.generate import continue_greedily
from sftloop.models.in_full import keeping, label_scores, last_hidden_state, write_greedily
from sftloop.models.label_tree import LabelTree
from sftloop.models.packed import why_not_shareable

OTHERS = {
    "gpt_neox": {},
    "opt": {"ffn_dim": 32, "word_embed_proj_dim": 32},
    "mamba": {"state_size": 4, "expand": 2, "time_step_rank": 4},
}


def other_model(architecture: str) -> PreTrainedModel:
    small = {"vocab_size": 160, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = AutoConfig.for_model(
        architecture, **small, intermediate_size=48, pad_token_id=0, **OTHERS[architecture]
    )
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config).float().eval()


@pytest.mark.parametrize("architecture", [*OTHERS, "llama", "gpt2"])
@torch.no_grad()
def test_labels_score_as_one_by_one(architecture: str) -> None:
    model = other_model(architecture) if architecture in OTHERS else tiny_model(architecture)
    prefix, suffixes = prompts()
    for suffix in suffixes:
        got = label_scores(model, LabelTree.build(LABELS), prefix + suffix)
        torch.testing.assert_close(got, by_themselves(model, prefix + suffix), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_many_labels_behind_a_long_prompt_go_in_several_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    model, (prefix, [suffix, *_]) = tiny_model("llama"), prompts()
    whole = label_scores(model, LabelTree.build(LABELS), prefix + suffix)
    sizes: list[int] = []
    model.model.embed_tokens.register_forward_pre_hook(lambda _, given: sizes.append(given[0].numel()))
    monkeypatch.setattr(in_full, "_TOKENS", 60)
    got = label_scores(model, LabelTree.build(LABELS), prefix + suffix)
    torch.testing.assert_close(got, whole)
    assert len(sizes) > 1 and max(sizes) <= 60


@torch.no_grad()
def test_the_two_ways_of_writing_agree() -> None:
    model = tiny_model("llama")
    model.generation_config.repetition_penalty = 3.0  # what a model's own file asks for is not ours
    prefix, suffixes = prompts()
    context, root, ends = opened(model, prefix, suffixes)
    shared = continue_greedily(context, [[t] for t in root.argmax(-1).tolist()], ends, stop={2, 7}, limit=12)
    alone = [write_greedily(model, prefix + suffix, stop={2, 7}, limit=12) for suffix in suffixes]
    assert alone == shared


@torch.no_grad()
def test_the_last_hidden_state_is_the_one_behind_the_prompt() -> None:
    model = tiny_model("llama")
    prefix, suffixes = prompts()
    states = last_hidden_state(model, prefix + suffixes[1])
    logits = model(input_ids=torch.tensor([prefix + suffixes[1]])).logits[0, -1]
    torch.testing.assert_close(model.lm_head(states)[0], logits)


@pytest.mark.parametrize("architecture", OTHERS)
def test_these_architectures_do_not_share(architecture: str) -> None:
    assert f"'{architecture}'" in (why_not_shareable(other_model(architecture).config, training=False) or "")


def test_a_model_without_the_argument_computes_all_logits() -> None:
    class Plain(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            return input_ids

    assert keeping(Plain(), 3) == {}
    assert keeping(tiny_model("llama"), 3) == {"logits_to_keep": 3}


@pytest.mark.parametrize(
    ("architecture", "rope"),
    [
        ("llama", {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}),
        (
            "gemma3_text",
            {
                "full_attention": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e6},
                "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            },
        ),
        (
            "phi3",
            {
                "rope_type": "longrope",
                "rope_theta": 1e4,
                "short_factor": [1.0] * 4,
                "long_factor": [4.0] * 4,
                "original_max_position_embeddings": 16,
            },
        ),
    ],
)
def test_positions_that_depend_on_the_longest_sequence_are_not_shared(
    architecture: str, rope: dict[str, Any]
) -> None:
    config = tiny_model(architecture).config
    assert why_not_shareable(config, training=True) is None
    config.rope_parameters = rope
    assert "positions (rope_type" in (why_not_shareable(config, training=True) or "")

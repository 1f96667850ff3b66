"""A tiny model written as GGUF comes back with the same weights, tied or not, and its tokenizer whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFWriter, quants
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from sftloop.core.errors import ModelError
from sftloop.models.directory import check_model_directory
from sftloop.models.gguf import TIE_BELOW, convert_gguf

HIDDEN, LAYERS, HEADS, WIDE = 64, 2, 4, 96
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
PLACES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def byte_tokens() -> list[str]:
    """The 256 tokens of byte-level encoding, one merged pair, then the special ones."""
    return [*sorted(pre_tokenizers.ByteLevel.alphabet()), "ab", *SPECIAL]


def tiny_qwen(vocabulary: int) -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=HIDDEN,
        intermediate_size=WIDE,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=True,
    )
    return Qwen2ForCausalLM(config).to(torch.bfloat16).float().eval()


def write_gguf(path: Path, model: Qwen2ForCausalLM, output: torch.Tensor | None, pre: str = "qwen2") -> None:
    tokens = byte_tokens()
    writer = GGUFWriter(path, "qwen2")
    writer.add_block_count(LAYERS)
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(WIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(2)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([1] * 257 + [3] * len(SPECIAL))
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_pad_token_id(tokens.index("<|endoftext|>"))
    writer.add_chat_template(TEMPLATE)
    embedding = model.get_input_embeddings().weight.detach().numpy()
    coarse = quants.quantize(embedding, GGMLQuantizationType.Q5_0)
    writer.add_tensor("token_embd.weight", coarse, raw_dtype=GGMLQuantizationType.Q5_0)
    if output is not None:
        fine = quants.quantize(output.numpy(), GGMLQuantizationType.Q8_0)
        writer.add_tensor("output.weight", fine, raw_dtype=GGMLQuantizationType.Q8_0)
    state = model.state_dict()
    writer.add_tensor("output_norm.weight", state["model.norm.weight"].numpy())
    for layer in range(LAYERS):
        for theirs, ours in PLACES.items():
            for part in ("weight", "bias"):
                tensor = state.get(f"model.layers.{layer}.{theirs}.{part}")
                if tensor is not None:
                    writer.add_tensor(f"blk.{layer}.{ours}.{part}", np.ascontiguousarray(tensor.numpy()))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def model() -> Qwen2ForCausalLM:
    return tiny_qwen(len(byte_tokens()))


def test_an_output_matrix_that_is_the_embedding_is_tied_again(
    model: Qwen2ForCausalLM, tmp_path: Path
) -> None:
    write_gguf(tmp_path / "model.gguf", model, model.get_input_embeddings().weight.detach())
    target = tmp_path / "converted"
    facts = convert_gguf(tmp_path / "model.gguf", target)

    tying = facts["output_matrix"]
    assert tying["in_file"]
    assert tying["tied"]
    assert 0.02 < tying["relative_difference"] < TIE_BELOW == tying["threshold"]
    assert facts["bf16_relative_rounding"] < 0.002
    assert facts["quantisation_types"]["Q5_0"] == facts["quantisation_types"]["Q8_0"] == 1

    check_model_directory(target)
    back = AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32).eval()
    assert back.config.tie_word_embeddings
    ids = torch.tensor([[5, 80, 258, 17, 99]])
    with torch.no_grad():
        wanted, found = model(ids).logits, back(ids).logits
    assert ((found - wanted).norm() / wanted.norm()).item() < 0.02


def test_an_output_matrix_of_its_own_is_kept(model: Qwen2ForCausalLM, tmp_path: Path) -> None:
    own = torch.randn_like(model.get_input_embeddings().weight)
    write_gguf(tmp_path / "model.gguf", model, own)
    facts = convert_gguf(tmp_path / "model.gguf", tmp_path / "converted")
    assert not facts["output_matrix"]["tied"]
    assert facts["output_matrix"]["relative_difference"] > 0.5
    back = AutoModelForCausalLM.from_pretrained(tmp_path / "converted", dtype=torch.float32)
    assert not back.config.tie_word_embeddings
    assert ((back.lm_head.weight - own).norm() / own.norm()).item() < 0.02


def test_the_tokenizer_keeps_its_rules_ends_and_template(model: Qwen2ForCausalLM, tmp_path: Path) -> None:
    write_gguf(tmp_path / "model.gguf", model, None)
    convert_gguf(tmp_path / "model.gguf", tmp_path / "converted")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "converted")
    back = AutoModelForCausalLM.from_pretrained(tmp_path / "converted", dtype=torch.float32)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert tokenizer.eos_token_id == end
    assert back.generation_config.eos_token_id == [end, tokenizer.convert_tokens_to_ids("<|endoftext|>")]
    assert tokenizer.model_max_length == 128
    rules = json.loads((tmp_path / "converted" / "tokenizer.json").read_text())
    assert rules["normalizer"] == {"type": "NFC"}
    assert tokenizer("cafe\u0301").input_ids == tokenizer("caf\u00e9").input_ids
    chat = [{"role": "user", "content": "有 12 个"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False)
    assert text == "<|im_start|>user\n有 12 个<|im_end|>\n"
    ids = tokenizer(text).input_ids
    assert ids.count(end) == 1
    assert tokenizer.decode(ids) == text


def test_an_unknown_tokenizer_is_refused(model: Qwen2ForCausalLM, tmp_path: Path) -> None:
    write_gguf(tmp_path / "model.gguf", model, None, pre="tomorrow")
    with pytest.raises(ModelError, match="tokenizer of type 'tomorrow'"):
        convert_gguf(tmp_path / "model.gguf", tmp_path / "converted")


@pytest.mark.parametrize("content", [b"", b"not a gguf file, but long enough to have a header", b"GGUF\x03"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.gguf").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.gguf' is no readable GGUF file"):
        convert_gguf(tmp_path / "model.gguf", tmp_path / "converted")

"""Shared and ordinary steps on a GPU, with models of the usual sizes and random weights.

Needs torch with CUDA and this package; no download. LoRA rank 16 on all linear layers, bf16, batch 64, prefixes of
500 and 2,000 tokens, suffixes of 60 (10 of them learned). Writes `results/gpu.json`:

    python -m benchmarks.gpu [--shapes qwen2.5-7b,llama-3-8b] [--prefixes 500,2000]
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path
from typing import Any

from sftloop.core.files import atomic_write_json
from sftloop.core.progress import say

_RESULTS = Path(__file__).parent / "results" / "gpu.json"
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "qwen2.5-7b": (
        "Qwen2Config",
        {
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "vocab_size": 152064,
            "rope_theta": 1e6,
        },
    ),
    "llama-3-8b": (
        "LlamaConfig",
        {
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "vocab_size": 128256,
            "rope_theta": 5e5,
        },
    ),
    "tiny": (
        "LlamaConfig",
        {
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "vocab_size": 1024,
        },
    ),
}
BATCH, SUFFIX, ANSWER, MICRO_TOKENS, MICRO_RECORDS = 64, 60, 10, 1024, 4


def main() -> None:
    """Measure and write; `--device cpu --shapes tiny` tries the script itself."""
    from sftloop.train.fused import fuse
    from sftloop.train.recompute import Recompute

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", default="qwen2.5-7b,llama-3-8b")
    parser.add_argument("--prefixes", default="500,2000")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--out", type=Path, default=_RESULTS)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for shape in options.shapes.split(","):
        model = _random_model(shape, options.device)
        fuse(model)
        recompute = Recompute(model, always=False)
        for prefix in map(int, options.prefixes.split(",")):
            for shared in (True, False):
                found = _measure(model, recompute, prefix, shared, options.steps)
                rows.append({"shape": shape, "prefix": prefix, "batch": BATCH, "shared": shared, **found})
                say(str(rows[-1]))
                atomic_write_json(options.out, rows)
        del model, recompute


def _random_model(shape: str, device: str) -> Any:
    import torch
    import transformers
    from peft import LoraConfig, get_peft_model

    kind, sizes = SHAPES[shape]
    config = getattr(transformers, kind)(**sizes, max_position_embeddings=8192, attn_implementation="sdpa")
    with torch.device(device):
        base = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    adapter = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    return get_peft_model(base, adapter, autocast_adapter_dtype=False).train()


def _measure(model: Any, recompute: Any, prefix: int, shared: bool, steps: int) -> dict[str, Any]:
    import torch

    from sftloop.train import plain_step, shared_step
    from sftloop.train.examples import Example

    device = model.device
    draw = random.Random(0)

    def tokens(count: int) -> tuple[int, ...]:
        return tuple(draw.randrange(3, 1000) for _ in range(count))

    common = tokens(prefix)
    examples = [
        Example(
            record_id=str(i), task="t", prefix=common, prompt=tokens(SUFFIX - ANSWER), target=tokens(ANSWER)
        )
        for i in range(BATCH)
    ]
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-5, fused=True)
    times: list[float] = []
    loss = 0.0
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    for _ in range(steps + 1):
        began = time.monotonic()
        if shared:
            loss = shared_step(
                model, examples, micro_batch_tokens=MICRO_TOKENS, precision=None, recompute=recompute
            ).loss
        else:
            loss = plain_step(model, examples, micro_batch=MICRO_RECORDS, precision=None).loss
        optimizer.step()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.monotonic() - began)
    peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else None
    return {
        "seconds_per_record": sum(times[1:]) / steps / BATCH,
        "spread": [min(times[1:]) / BATCH, max(times[1:]) / BATCH],
        "loss": loss,
        "peak_memory_bytes": peak,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
    }


if __name__ == "__main__":
    main()

"""Weights kept in fp32 and trained in bf16 are validated in bf16."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.tiny_models import tiny_model
from tests.unit.train.test_stops import examples

from sftloop.models.local import inference
from sftloop.train import FullMethod, Trainable, TrainSettings, train


@pytest.mark.parametrize("precision", [None, torch.bfloat16])
def test_a_model_is_validated_in_the_precision_it_is_trained_in(
    tmp_path: Path, precision: torch.dtype | None
) -> None:
    trainable = Trainable.counted(FullMethod().set_up(tiny_model("llama")), precision)
    seen: list[torch.dtype] = []

    def validate(model: torch.nn.Module) -> dict[str, float]:
        with inference(model):
            seen.append(model(torch.tensor([[3, 4]])).logits.dtype)
        return {"score": 0.0}

    settings = TrainSettings(learning_rate=1e-3, log_to="none", epochs=1)
    train(trainable, FullMethod(), examples(4), settings, directory=tmp_path, validate=validate)
    assert set(seen) == {precision or torch.float32}

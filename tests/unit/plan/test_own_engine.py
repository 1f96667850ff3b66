"""The ledger against the tensors our own engine really holds, on a small random model."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from benchmarks.memory_on_cpu import Case, measure, predict

from sftloop.train.step_memory import Storages

LORA = Case(method="lora", precision="fp32", passes=1, micro_batch=6, prefix=0)


@pytest.mark.parametrize(
    ("case", "tolerance"),
    [
        (LORA, 0.01),
        (replace(LORA, prefix=200), 0.015),
        (replace(LORA, prefix=100, micro_batch=4, passes=2), 0.02),
        (replace(LORA, prefix=400, micro_batch=1), 0.01),
        (replace(LORA, prefix=400, micro_batch=1, precision="bf16-mixed"), 0.01),
        (replace(LORA, prefix=400, checkpointing=True), 0.01),
        (replace(LORA, micro_batch=10, checkpointing=True), 0.025),
        (replace(LORA, method="full", prefix=100, passes=2), 0.01),
        (replace(LORA, method="full", precision="bf16-mixed", prefix=100), 0.01),
        (replace(LORA, method="full", precision="bf16-mixed", prefix=100, micro_batch=2, passes=2), 0.02),
        (replace(LORA, precision="bf16-mixed", prefix=100, passes=2), 0.03),
        (replace(LORA, method="ptuning", prefix=100, passes=2), 0.04),
    ],
    ids=[
        "lora",
        "lora, prefix",
        "lora, two passes",
        "lora, long prefix forgotten",
        "lora, bf16, long prefix forgotten",
        "lora, prefix, checkpointing",
        "lora, checkpointing",
        "full",
        "full, bf16",
        "full, bf16, prefix forgotten",
        "lora, bf16",
        "ptuning",
    ],
)
def test_peak(small_model, monkeypatch, case, tolerance):
    monkeypatch.setenv("SFTLOOP_DTYPE", "fp32")  # set by the measurement; undone here
    ledger, measured = predict(small_model, case), measure(small_model, case)
    assert ledger.peak_allocated == pytest.approx(measured["Total"], rel=tolerance)
    weights = sum(line.bytes for line in ledger.lines if line.what in {"trained weights", "frozen weights"})
    assert weights == pytest.approx(measured["weights"], rel=0.001)
    assert ledger.components()["optimizer"] == measured["optimizer"]


def test_the_counter_sees_what_comes_and_goes():
    model = torch.nn.Linear(10, 10, bias=False)
    with Storages(model) as storages:
        kept = torch.ones(100)
        passing = kept * 2
        del passing
        assert storages.now == 400 + 400
    assert storages.peak == 400 + 800

"""The peak that is reported is that of the device that trains."""

from __future__ import annotations

import pytest
import torch
from tests.tiny_models import tiny_model

from sftloop.core.errors import ExternalError
from sftloop.core.memory import peak_memory_bytes
from sftloop.train.methods import FullMethod
from sftloop.train.out_of_memory import explained
from sftloop.train.peak_memory import peak_bytes, reset_peak
from sftloop.train.settings import TrainSettings


def test_on_a_cpu_it_is_the_process_s() -> None:
    reset_peak(torch.device("cpu"))
    assert peak_bytes(torch.device("cpu")) == pytest.approx(peak_memory_bytes(), rel=0.05)


def test_on_a_gpu_it_is_the_allocator_s(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu, forgotten = torch.device("cuda"), []
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 7_000_000_000)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", forgotten.append)
    reset_peak(gpu)
    assert forgotten == [gpu]
    assert peak_bytes(gpu) == 7_000_000_000
    settings = TrainSettings(learning_rate=1e-3)
    with (
        pytest.raises(ExternalError, match=r"at the most 7\.0 GB"),
        explained(settings, FullMethod(), gpu, shared=True, tokens=512),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_counts_what_a_gpu_holds() -> None:
    model = tiny_model("llama").cuda()
    reset_peak(model.device)
    before = peak_bytes(model.device)
    held = torch.zeros(1 << 26, device="cuda")
    assert peak_bytes(model.device) - before >= held.nbytes

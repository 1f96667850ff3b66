"""The device and the number format are what the machine has, or what the user forces."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sftloop.core.errors import UsageError
from sftloop.models import device
from sftloop.models.device import choose_device, choose_dtype, describe_machine
from sftloop.train.settings import TrainSettings
from sftloop.train.trainer import _arguments


@pytest.fixture(autouse=True)
def no_forced_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SFTLOOP_DEVICE", raising=False)


def test_the_first_device_present() -> None:
    if torch.cuda.is_available():
        expected = "cuda"
    else:
        expected = "mps" if torch.backends.mps.is_available() else "cpu"
    assert choose_device() == expected


def test_a_forced_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTLOOP_DEVICE", "cpu")
    assert choose_device() == "cpu"


def test_an_unknown_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTLOOP_DEVICE", "tpu")
    with pytest.raises(UsageError, match="'tpu'; it must be cuda, mps or cpu"):
        choose_device()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_a_missing_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTLOOP_DEVICE", "cuda:1")
    with pytest.raises(UsageError, match=r"'cuda:1', but this machine .* has no cuda"):
        choose_device()


def test_a_gpu_that_is_not_the_first_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("SFTLOOP_DEVICE", "cuda:0")
    assert choose_device() == "cuda"
    monkeypatch.setenv("SFTLOOP_DEVICE", "cuda:1")
    with pytest.raises(UsageError, match="'cuda:1'; work is done on the first") as caught:
        choose_device()
    assert "CUDA_VISIBLE_DEVICES=1" in caught.value.hint


def test_one_of_several_gpus_is_trained_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sftloop.train.trainer.choose_device", lambda: "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert _arguments(tmp_path, TrainSettings(learning_rate=1e-3), [[0]]).n_gpu == 1


@pytest.mark.parametrize(
    ("flags", "speed_up", "dtype"),
    [
        ({"avx2"}, 9.0, torch.float32),
        ({"avx512_bf16", "amx_bf16"}, 0.1, torch.bfloat16),
        ({"avx512_bf16"}, 0.55, torch.float32),
        ({"avx512_bf16"}, 1.9, torch.bfloat16),
        ({"asimd", "bf16"}, 1.9, torch.bfloat16),
    ],
)
def test_bf16_on_the_cpu_only_where_it_is_fast(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], speed_up: float, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(device, "cpu_flags", lambda: frozenset(flags))
    monkeypatch.setattr(device, "_bf16_speed_up", lambda: speed_up)
    device._cpu_bf16_is_fast.cache_clear()
    assert choose_dtype("cpu") is dtype
    device._cpu_bf16_is_fast.cache_clear()


def test_the_speed_test_leaves_the_threads_as_they_were() -> None:
    threads = torch.get_num_threads()
    assert 0.01 < device._bf16_speed_up(repeats=1) < 100
    assert torch.get_num_threads() == threads


def test_the_description_holds_what_results_depend_on() -> None:
    machine = describe_machine()
    assert machine["device"] == choose_device()
    assert machine["dtype"] in {"float32", "bfloat16"}
    assert machine["cores"] >= 1
    assert machine["memory_bytes"] > 10**8
    assert machine["torch"] == torch.__version__

"""`plan memory --calibrate`: two small steps are really run, and foretell a larger one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.tiny_models import tiny_model
from tests.tiny_scenario import tiny_tokenizer

from sftloop.cli.main import root
from sftloop.core.errors import ModelError, UsageError
from sftloop.plan import Adapter, Batch, Parallel, Setup
from sftloop.workflow.plan_calibrate import calibrate, measure_setup, setup_of_here, small_sizes
from sftloop.workflow.plan_memory import find_architecture, plan_memory


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("llama") / "model"
    tiny_model("llama").save_pretrained(place)
    tiny_tokenizer().save_pretrained(place)
    return place


@pytest.fixture(autouse=True)
def fp32_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTLOOP_DEVICE", "cpu")
    monkeypatch.setenv("SFTLOOP_DTYPE", "fp32")


def _setup(micro_batch: int, **more: object) -> Setup:
    batch = Batch(micro_batch=micro_batch, seq_len=60, prefix_len=30, answer_len=6, accumulation=2)
    return setup_of_here(replace(Setup(batch=batch, adapter=Adapter(rank=4)), **more))


@pytest.mark.parametrize("method", ["lora", "full", "ptuning"])
def test_a_larger_step_is_foretold(folder: Path, method: str) -> None:
    asked, shape = _setup(24, method=method), find_architecture(str(folder))
    few, many = small_sizes(shape, asked)
    assert few < many < 24
    corrected = calibrate(str(folder), shape, asked)
    assert [each["micro_batch"] for each in corrected.measured] == [few, many]
    truth = measure_setup(folder, shape, asked).peak
    assert corrected.peak_allocated == pytest.approx(truth, rel=5e-3)


def test_sizes_lie_on_the_side_of_the_bend_where_the_asked_one_lies() -> None:
    """Up to 3 records of 50 tokens the engine forgets a prefix of 150; from there on it keeps it."""
    shape = find_architecture("smollm2-135m-instruct")
    batch = Batch(micro_batch=16, seq_len=200, prefix_len=150, answer_len=8, accumulation=2)
    setup = Setup(batch=batch, engine="sftloop-cpu", loss="chunked", precision="fp32")
    assert small_sizes(shape, setup) == (3, 6)
    for asked, expected in ((4, (3, 4)), (2, (2, 3)), (1, (1, 2))):
        assert small_sizes(shape, replace(setup, batch=replace(batch, micro_batch=asked))) == expected


def test_the_command_says_what_it_measured(folder: Path) -> None:
    words = ["plan", "memory", "--model", str(folder), "--calibrate", "--micro-batch", "8", "--seq-len", "50"]
    found = json.loads(CliRunner().invoke(root, [*words, "--gpu", "1GB", "--json"]).stdout)["calibrated"]
    assert [each["micro_batch"] for each in found["measured"]] == [1, 2]
    assert found["peak_allocated"] > found["measured"][1]["peak_allocated"] > 0
    told = CliRunner().invoke(root, words).stdout
    assert "Measured with 1 a pass" in told and "Corrected by that" in told


def test_what_cant_be_measured_here_is_refused(folder: Path) -> None:
    setup = Setup()
    with pytest.raises(UsageError, match="one GPU"):
        plan_memory(str(folder), replace(setup, parallel=Parallel(gpus=2)), calibrate=True)
    with pytest.raises(UsageError, match="compares many"):
        plan_memory(str(folder), setup, gpu="24GB", fit=True, calibrate=True)
    with pytest.raises(ModelError, match="is a configuration"):
        plan_memory(str(folder / "config.json"), setup, calibrate=True)
    with pytest.raises(UsageError, match="NVIDIA"):
        plan_memory(str(folder), replace(setup, optimizer="adamw-8bit"), calibrate=True)

"""The ladder ends in a plan that fits, takes cheap steps first, keeps none in vain, and its commands run."""

from __future__ import annotations

import shlex
from dataclasses import replace

import click
import pytest
from click.testing import CliRunner
from tests.unit.plan.cases import architecture

from sftloop.cli.main import root
from sftloop.plan import Adapter, Batch, Parallel, Setup, choices, climb, gpu_bytes, simulate
from sftloop.plan.command import command_line
from sftloop.plan.steps import STEPS
from sftloop.scenario import parse_settings
from sftloop.scenario.training import Training

SEVEN = architecture("qwen2.5-7b")
FULL = Setup(method="full", batch=Batch(micro_batch=4, seq_len=2048))


@pytest.mark.parametrize("memory", ["24GB", "48GB", "80GB"])
@pytest.mark.parametrize("gpus", [1, 2, 8])
def test_a_seven_billion_model_fits_everywhere(memory, gpus):
    found = climb(SEVEN, Setup(method="full", parallel=Parallel(gpus=gpus)), gpu_bytes(memory))
    assert found.fits
    assert simulate(found.architecture, found.setup).fits(gpu_bytes(memory))
    assert all(rung.saves > 0 for rung in found.rungs)


def test_nothing_is_done_where_it_fits():
    found = climb(SEVEN, Setup(), gpu_bytes("h200"))
    assert found.rungs == ()
    assert found.setup == Setup()


def test_exact_steps_come_before_those_that_touch_quality():
    found = climb(SEVEN, FULL, gpu_bytes("80GB"))
    assert found.setup.method == "full"
    assert found.rungs[0].step == "sftloop's own trainer"
    eight = climb(SEVEN, Setup(method="full", parallel=Parallel(gpus=8)), gpu_bytes("24GB"))
    assert not eight.touches_quality


def test_without_a_step_that_costs_it_would_not_fit():
    """Every dear step that was kept is needed: the plan without checkpointing is too large."""
    found = climb(SEVEN, Setup(), gpu_bytes("24GB"))
    assert found.setup.checkpointing
    assert not simulate(SEVEN, replace(found.setup, checkpointing=False)).fits(gpu_bytes("24GB"))


def test_the_last_resort_is_a_smaller_base():
    found = climb(architecture("llama-3-70b"), Setup(), gpu_bytes("24GB"))
    assert found.fits
    assert found.architecture.name == "llama-3-8b"
    assert "a smaller base model" in [rung.step for rung in found.rungs]


def test_it_says_when_nothing_helps():
    found = climb(SEVEN, Setup(batch=Batch(seq_len=1000)), gpu_bytes("100MB"))
    assert not found.fits
    assert choices(SEVEN, Setup(batch=Batch(seq_len=1000)), gpu_bytes("100MB")) == []


def test_choices_differ_and_fit():
    found = choices(SEVEN, FULL, gpu_bytes("80GB"))
    assert [each.setup.method for each in found] == ["full", "lora", "qlora"]
    assert all(each.fits for each in found)


def test_adapters_from_the_start_cost_what_they_cost_as_steps():
    """Where everything fits, nothing but the adapters themselves changes the time: LoRA 0.8, QLoRA 1.4 of that."""
    memory, setup = gpu_bytes("h200"), Setup(method="full", engine="sftloop", loss="chunked")
    assert [(each.setup.method, each.time) for each in choices(architecture("qwen2.5-0.5b"), setup, memory)] == [
        ("full", 1.0), ("lora", 0.8), ("qlora", pytest.approx(0.8 * 1.4)),
    ]  # fmt: skip
    from_lora = choices(SEVEN, Setup(), memory)
    assert [(each.title, each.time) for each in from_lora] == [
        ("cheapest steps", 1.0), ("QLoRA from the start", 1.4),
    ]  # fmt: skip
    assert [each.touches_quality for each in from_lora] == [False, True]


@pytest.mark.parametrize(("micro", "passes"), [(5, 1), (5, 2), (6, 1), (7, 3), (4, 2), (12, 1)])
def test_a_smaller_micro_batch_leaves_the_records_of_a_step(micro, passes):
    step = next(step for step in STEPS if step.name.startswith("half the micro-batch"))
    plan = (SEVEN, Setup(batch=Batch(micro_batch=micro, accumulation=passes)))
    while (changed := step.change(plan)) is not None:
        assert changed[1].batch.micro_batch <= plan[1].batch.micro_batch / 2
        assert changed[1].batch.micro_batch * changed[1].batch.accumulation == micro * passes
        plan = changed
    assert plan[1].batch.micro_batch == 1


@pytest.mark.parametrize(
    "options",
    [
        {"method": "ptuning", "adapter": Adapter(virtual_tokens=300)},
        {"method": "lora", "adapter": Adapter(rank=8, dropout=0.25, targets="qv")},
        {"method": "full", "batch": Batch(seq_len=1024, answer_len=16, micro_batch=3)},
    ],
)
def test_a_question_holds_all_that_was_asked(options):
    shape = replace(architecture("smollm2-135m"), name="HuggingFaceTB/SmolLM2-135M-Instruct")
    setup = Setup(**options)
    answer = CliRunner().invoke(root, [*shlex.split(command_line(shape, setup))[1:], "--json"])
    assert answer.exit_code == 0, answer.output
    assert f'"peak_allocated": {simulate(shape, setup).peak_allocated}' in answer.output


@pytest.mark.parametrize("memory", ["16GB", "24GB", "40GB", "80GB"])
@pytest.mark.parametrize("method", ["full", "lora", "qlora", "ptuning"])
def test_training_commands_are_understood(memory, method):
    """Every word of a training command is an option of `train`, every setting one of the scenario's."""
    setup = Setup(method=method, batch=Batch(micro_batch=4, seq_len=2048))
    for rung in climb(SEVEN, setup, gpu_bytes(memory)).rungs:
        words = [word for word in shlex.split(rung.command) if not word.startswith("SFTLOOP_DTYPE=")]
        assert words[:2] == ["sftloop", "train"]
        train = root.get_command(click.Context(root), "train")
        assert train is not None
        values = train.make_context("train", words[2:]).params
        options = {name: values[name] for name in ("method", "rank", "batch_size", "micro_batch_tokens")}
        given = {name: value for name, value in options.items() if value is not None}
        Training.model_validate({**parse_settings(values["pairs"]), **given})


def test_questions_about_several_gpus_run():
    found = climb(SEVEN, Setup(method="full", parallel=Parallel(gpus=8)), gpu_bytes("24GB"))
    answer = CliRunner().invoke(root, [*shlex.split(found.command)[1:], "--json"])
    assert answer.exit_code == 0, answer.output
    assert f'"peak_allocated": {found.ledger.peak_allocated}' in answer.output

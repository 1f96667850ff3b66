"""A training that goes wrong ends with a word on where and what to do; the best weights so far stay."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from tests.tiny_models import tiny_model
from tests.tiny_training import examples, learn
from transformers import TrainerControl, TrainerState, TrainingArguments

from sftloop.core.errors import ExternalError, TrainingError
from sftloop.train.loss_course import StopDivergence, task_of
from sftloop.train.methods import METHODS, FullMethod, LoraMethod, Method, PrefixTuningMethod, Trainable
from sftloop.train.out_of_memory import next_steps
from sftloop.train.schedule import plan_steps
from sftloop.train.settings import TrainSettings
from sftloop.train.trainer import train


def test_a_rate_that_diverges_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="The loss diverges") as caught:
        learn(tmp_path, learning_rate=3.0, epochs=40, max_gradient_norm=1e6, schedule="constant")
    assert "--learning-rate 0.6" in caught.value.hint
    assert "to step 2" in caught.value.message, "as soon as there are steps enough to tell"
    assert (tmp_path / "model" / "best.json").exists()


def test_a_rate_that_learns_is_not(tmp_path: Path) -> None:
    assert learn(tmp_path, epochs=10).steps == 40


def course(losses: dict[str, tuple[float, float]], seed: int) -> int | None:
    """Return the step at which a training over tasks of 500 records stops; their losses go from … to."""
    tasks = [task for task in losses for _ in range(500)]
    plan = plan_steps(tasks, [None] * len(tasks), epochs=3, batch_size=16, seed=seed)
    state, callback = TrainerState(), StopDivergence()
    args = TrainingArguments(output_dir="unused", report_to="none")
    for step, batch in enumerate(plan, start=1):
        now = {
            task: end + (begin - end) * math.exp(-6 * step / len(plan))
            for task, (begin, end) in losses.items()
        }
        mean = sum(now[tasks[index]] for index in batch) / len(batch)
        state.log_history.append({"loss": mean, "step": step, "task": task_of(tasks[i] for i in batch)})
        state.global_step = step
        try:
            callback.on_step_end(args, state, TrainerControl())
        except TrainingError as error:
            assert "of task 'b' diverges" in error.message
            return step
    return None


def test_tasks_of_different_loss_are_judged_each_by_its_own() -> None:
    assert [course({"a": (0.6, 0.05), "b": (2.6, 1.8)}, seed) for seed in range(40)] == [None] * 40
    assert course({"a": (0.6, 0.05), "b": (0.3, 4.0)}, 0) is not None


def test_each_step_s_task_is_in_the_history(tmp_path: Path) -> None:
    outcome = learn(tmp_path, count=12, tasks="ab", epochs=1)
    assert sorted(row["task"] for row in outcome.history if "loss" in row) == ["a", "b", "mixed"]


def test_a_gradient_that_is_no_number_is_stopped_before_it_reaches_the_weights(tmp_path: Path) -> None:
    model = tiny_model("llama")
    seen: list[int] = []

    def spoil(gradient: torch.Tensor) -> torch.Tensor:
        seen.append(1)
        return gradient * float("nan") if len(seen) == 3 else gradient

    model.model.norm.weight.register_hook(spoil)
    with pytest.raises(
        TrainingError, match="The gradient's norm became nan at step 3, on records r"
    ) as caught:
        learn(tmp_path, model)
    assert "last good checkpoint" in caught.value.hint
    assert all(bool(torch.isfinite(weight).all()) for weight in model.parameters())


@pytest.mark.parametrize("method", [FullMethod(), LoraMethod(rank=2)])
def test_out_of_memory_names_the_next_steps_in_order(tmp_path: Path, method: Method) -> None:
    model = tiny_model("llama")

    def hoard(*_: object) -> None:
        torch.empty(1 << 50)

    model.model.layers[0].register_forward_pre_hook(hoard)
    trainable = Trainable.counted(method.set_up(model), None)
    settings = TrainSettings(learning_rate=1e-3, log_to="none", micro_batch_tokens=100)
    with pytest.raises(ExternalError, match="Out of memory while training") as caught:
        train(trainable, method, examples(4), settings, directory=tmp_path, validate=lambda _: {"score": 0.0})
    steps = ["--micro-batch-tokens 64 (now 100", "recompute=true"]
    steps += ["--method lora" if method.name == "full" else "--method qlora", "--model"]
    places = [caught.value.hint.index(step) for step in steps]
    assert places == sorted(places)


def test_prefix_tuning_on_the_ordinary_path_keeps_its_activations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    method = PrefixTuningMethod(virtual_tokens=5)
    settings = TrainSettings(
        learning_rate=1e-3, log_to="none", recompute=True, shared_prefix=False, batch_size=4
    )
    outcome = train(
        Trainable.counted(method.set_up(tiny_model("llama")), None),
        method,
        examples(4),
        settings,
        directory=tmp_path,
        validate=lambda _: {"score": 0.0},
    )
    assert outcome.steps > 0 and "Activations are kept" in capsys.readouterr().err


def test_four_bit_weights_count_as_the_parameters_they_are() -> None:
    class Params4bit(torch.nn.Parameter):
        pass

    model = torch.nn.Linear(4, 4, bias=False)
    model.weight = Params4bit(torch.zeros(8, 1, dtype=torch.uint8), requires_grad=False)
    assert Trainable.counted(model, None).parameters == 16  # type: ignore[arg-type]


def test_what_is_done_already_is_not_advised() -> None:
    settings = TrainSettings(learning_rate=1e-3, recompute=True, micro_batch=1)
    for shared in (True, False):
        told = "; ".join(next_steps(settings, METHODS["qlora"](), shared=shared, tokens=64))
        assert "micro" not in told and "recompute" not in told and "--method" not in told
        assert ("shared prefix" in told) is not shared


@pytest.mark.parametrize("shared", [True, False])
def test_recomputing_is_advised_only_where_it_can_be_done(shared: bool) -> None:
    told = next_steps(TrainSettings(learning_rate=1e-3), METHODS["prefix"](), shared=shared, tokens=64)
    assert any("recompute" in step for step in told) is shared

"""Facts from a tiny scenario: tokens as the trainer counts them, or estimated; a model by name or folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tiny_scenario import write_scenario

from sftloop.core.errors import ModelError, UsageError
from sftloop.models import PromptEncoder, TaskTokens
from sftloop.scenario import load_scenario
from sftloop.train import encode_examples
from sftloop.workflow import plan_facts
from sftloop.workflow.plan_facts import candidates, find_base, gather
from sftloop.workflow.training_case import load_training_data


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenario(tmp_path_factory.mktemp("facts"))


def gathered(case: Path, model: str | None = None, gpu: str | None = None) -> tuple:
    scenario = load_scenario(case)
    data = load_training_data(scenario, tasks=None, limit=None, seed=0, skip_bad=False)
    return gather(scenario, data, find_base(model or scenario.model), gpu), scenario, data


def test_tokens_are_those_that_the_trainer_sees(case: Path) -> None:
    facts, scenario, data = gathered(case)
    encoder = PromptEncoder.from_directory(Path(scenario.model))
    tasks = {name: TaskTokens.of(scenario, name, encoder) for name in scenario.tasks}
    examples = encode_examples(data.train, tasks, context_tokens=encoder.context_tokens)
    assert facts.records == {"kind": 72, "both": 24} and facts.validation == 12
    assert facts.kinds == {"kind": "choice", "both": "multi"}
    assert facts.tokens.own == pytest.approx(sum(len(e.suffix) for e in examples) / 96)
    assert facts.tokens.own_longest == max(len(e.suffix) for e in examples)
    assert facts.tokens.prefix == max(len(e.prefix) for e in examples)
    assert facts.tokens.counted and facts.small
    assert facts.hardware.device == "cpu" and facts.hardware.memory_bytes


def test_many_records_are_sampled_and_the_longest_still_counts(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = gathered(case)[0].tokens
    monkeypatch.setattr(plan_facts, "_SAMPLE", 40)
    monkeypatch.setattr(plan_facts, "_LONGEST", 8)
    part = gathered(case)[0].tokens
    assert part.own_longest == whole.own_longest
    assert part.own == pytest.approx(whole.own, rel=0.1)


def test_a_model_that_is_not_here_is_known_by_its_name(case: Path) -> None:
    facts = gathered(case, "qwen2.5-7b-instruct", "rtx-4090")[0]
    assert not facts.tokens.counted and facts.tokens.context is None
    assert facts.parameters == 7_615_616_512
    assert facts.hardware.device == "cuda" and facts.hardware.memory_bytes == 24_564 * 2**20
    assert facts.hardware.precision == "bf16"
    assert (
        gathered(case, "qwen2.5-7b-instruct", "V100 32GB".replace(" ", "-"))[0].hardware.precision == "fp32"
    )


def test_an_unknown_name_or_gpu_is_refused_with_the_nearest(case: Path) -> None:
    with pytest.raises(ModelError, match=r"Did you mean 'qwen2\.5-7b'"):
        find_base("qwen2.5-77b")
    with pytest.raises(UsageError, match="a100-80gb"):
        gathered(case, gpu="a100-81gb")


def test_a_family_that_the_planner_does_not_know_has_no_shape(case: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for file in Path(load_scenario(case).model).iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "model_type": "gpt_neox"}))
    base = find_base(str(model))
    assert base.architecture is None and base.folder == model


def test_a_container_limits_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(plan_facts, "_CGROUP", limit)
    assert plan_facts._of_the_process(100) == 100
    for text, bytes_ in (("max\n", 100), ("60\n", 60), ("600\n", 100)):
        limit.write_text(text)
        assert plan_facts._of_the_process(100) == bytes_


def test_candidates_speak_the_language_and_have_a_shape(case: Path) -> None:
    scenario = load_scenario(case)
    english = {each.name for each in candidates(scenario, find_base("qwen2.5-0.5b-instruct"))}
    assert "smollm2-1.7b-instruct" in english and "qwen2.5-0.5b-instruct" not in english
    assert "llama-3.2-1b-instruct" not in english, "it asks for an account"
    chinese = scenario.model_copy(update={"language": "zh"})
    assert "smollm2-1.7b-instruct" not in {each.name for each in candidates(chinese, find_base("qwen3-8b"))}


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SFTLOOP_DEVICE", "cpu")
    monkeypatch.setenv("SFTLOOP_DTYPE", "fp32")
    yield

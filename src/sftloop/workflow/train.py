"""`sftloop train`: records to a fine-tuned adapter or model, validated by task metric after every epoch."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.progress import clock, say
from sftloop.core.rundir import RunDirectory
from sftloop.records import Record
from sftloop.scenario import Scenario, Training
from sftloop.scenario.training import METHOD_OPTIONS
from sftloop.train.checkpoints import saving
from sftloop.workflow.base_model import base_model
from sftloop.workflow.heads import add_heads, head_examples
from sftloop.workflow.measure import input_hashes, mean_score, primary_values
from sftloop.workflow.model_language import warn_of_language
from sftloop.workflow.place import named_tasks, open_run
from sftloop.workflow.training_case import TrainingData, read_training_case

if TYPE_CHECKING:
    from transformers import PreTrainedModel, TrainerCallback

    from sftloop.models import PromptEncoder, TaskTokens
    from sftloop.train import Example, Method, Objective, Trainable, TrainSettings


def train_scenario(
    directory: Path,
    chosen: Mapping[str, Any],
    *,
    model: str | None = None,
    tasks: Sequence[str] | None = None,
    limit: int | None = None,
    out: Path | None = None,
    skip_bad: bool = False,
) -> dict[str, Any]:
    """Fine-tune a scenario's model and return what `train --json` prints."""
    scenario, choices, data = read_training_case(
        directory, chosen, tasks=tasks, limit=limit, skip_bad=skip_bad
    )
    warn_of_language(model or scenario.model, scenario, data.train)
    path = base_model(model or scenario.model)
    settings = {"tasks": named_tasks(tasks), "limit": limit, **choices.model_dump()}
    inputs = input_hashes(scenario, ["train", "validation"], path, None)
    run = open_run("train", scenario, inputs, settings, out)
    result = train_step(run, scenario, data, path, choices)
    return {"scenario": scenario.name, "model": model or scenario.model, **result, "run": str(run.path)}


def train_step(
    run: RunDirectory,
    scenario: Scenario,
    data: TrainingData,
    base: Path,
    choices: Training,
    watch: Sequence[TrainerCallback] = (),
) -> dict[str, Any]:
    """Train into `run`'s folder `train`, or return what an earlier process finished there.

    Args:
        run: the run's directory.
        scenario: gives prompts, answers and metrics.
        data: what to train and to validate on.
        base: the model's directory.
        choices: how to train.
        watch: told of every step and validation.
    """
    directory = run.file("train")
    saved = directory / "train.json"
    if run.step_done("train"):
        finished: dict[str, Any] = read_json(saved, "the training's result")
        return finished
    result = _train(run, directory, scenario, data, base, choices, watch)
    _free_memory()
    atomic_write_json(saved, result)
    run.mark_done("train", seconds=result["seconds"])
    say(f"Trained {result['steps']} steps in {clock(result['seconds'])}")
    return result


def _train(
    run: RunDirectory,
    directory: Path,
    scenario: Scenario,
    data: TrainingData,
    base: Path,
    choices: Training,
    watch: Sequence[TrainerCallback],
) -> dict[str, Any]:
    """Train, and return what is worth keeping of it; nothing of the model is."""
    from sftloop.models import mark_base
    from sftloop.train import train

    ready = set_up(scenario, data.train, base, choices)
    trainable, method, settings, encoder = ready.trainable, ready.method, ready.settings, ready.encoder
    outcome = train(
        trainable,
        method,
        ready.examples,
        settings,
        directory=directory,
        validate=validator(scenario, data.validation, encoder),
        objective=ready.objective,
        watch=watch,
    )
    with saving(outcome.output):
        encoder.tokenizer.save_pretrained(outcome.output)
    if method.output == "adapter":
        mark_base(outcome.output, base)
    return {
        "method": method.name,
        "output": str(outcome.output.relative_to(run.path)),
        "seconds": round(outcome.seconds, 2),
        "records": len(ready.examples),
        "records_seen": outcome.records,
        "epochs": settings.epochs,
        "steps": outcome.steps,
        "best": outcome.best,
        "prefix_tokens": outcome.prefix_tokens,
        "suffix_tokens": outcome.suffix_tokens,
        "peak_memory_bytes": outcome.peak_memory_bytes,
        "trainable_parameters": outcome.trainable_parameters,
        "parameters": trainable.parameters,
        "shared_prefix": outcome.shared_prefix,
        "dropped": data.dropped,
        "too_long": len(data.train) - len(ready.examples),
        "head": choices.head.model_dump() if choices.head else None,
        "settings": asdict(settings) | {"method": asdict(method)},
    }


def _free_memory() -> None:
    """Let go of the trained model, whose layers hold each other, before the next one is loaded."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


class Ready(NamedTuple):
    """All that a training needs but its directory."""

    trainable: Trainable
    method: Method
    examples: list[Example]
    settings: TrainSettings
    objective: Objective
    encoder: PromptEncoder


def set_up(scenario: Scenario, records: Sequence[Record], base: Path, choices: Training) -> Ready:
    """Load the model, set the method up on it, and turn the records into examples."""
    from sftloop.models import PromptEncoder, TaskTokens, choose_device
    from sftloop.train import TOKENS, encode_examples, prepare

    encoder = PromptEncoder.from_directory(base)
    tokens = {name: TaskTokens.of(scenario, name, encoder) for name in {r.task for r in records}}
    method = build_method(choices)
    examples = encode_examples(
        records,
        tokens,
        context_tokens=_room(encoder, method),
        leave_out_too_long=choices.too_long == "leave_out",
        written=choices.head is None,
    )
    trainable = prepare(base, method, device=choose_device(), seed=choices.seed or 0)
    objective: Objective = TOKENS
    if choices.head is None:
        _tell_cut_off(examples, tokens)
    else:
        objective = add_heads(trainable.model, scenario, choices.head, set(tokens))
        examples = head_examples(examples, records, scenario)
        trainable = trainable.counted(trainable.model, trainable.precision)
    settings = build_settings(choices, method, trainable)
    return Ready(trainable, method, examples, settings, objective, encoder)


def _room(encoder: PromptEncoder, method: Method) -> int | None:
    """Return the longest sequence that the model takes behind the method's virtual tokens."""
    virtual: int = getattr(method, "virtual_tokens", 0)
    return None if encoder.context_tokens is None else encoder.context_tokens - virtual


def _tell_cut_off(examples: Sequence[Example], tokens: Mapping[str, TaskTokens]) -> None:
    """Say per task which answers evaluation won't let the model write to their end."""
    for name, own in sorted(tokens.items()):
        sizes = {example.record_id: len(example.target) for example in examples if example.task == name}
        if long := own.beyond_room(sizes):
            first, most = next(iter(long.items()))
            say(
                f"{len(long)} of {len(sizes)} answers of task '{name}' are longer than the "
                f"{own.answer_limit} tokens that evaluation lets the model write ('{first}': {most}). They are "
                f"learned whole; max_answer_tokens: {most} in the scenario lets them be written whole."
            )


def build_method(choices: Training) -> Method:
    """Return the chosen method with its options; what was left open keeps the method's default."""
    from sftloop.train import METHODS

    options = METHOD_OPTIONS[choices.method]
    return METHODS[choices.method](
        **{name: value for name in options if (value := getattr(choices, name)) is not None}
    )


def build_settings(choices: Training, method: Method, trainable: Trainable) -> TrainSettings:
    """Return the chosen training settings; the rate's default depends on method and size."""
    from sftloop.train import TrainSettings

    asked = {
        part.name: value
        for part in fields(TrainSettings)
        if (value := getattr(choices, part.name, None)) is not None
    }
    if choices.micro_batch_size is not None:
        asked["micro_batch"] = choices.micro_batch_size
    asked.setdefault("learning_rate", method.default_learning_rate(trainable.parameters))
    return TrainSettings(**asked)


def validator(
    scenario: Scenario, records: Sequence[Record], encoder: PromptEncoder
) -> Callable[[PreTrainedModel], dict[str, float]]:
    """Return a function that scores the model as it is on the validation records.

    What it returns has no value for a task whose every answer failed; `score` counts that task as 0. It chooses
    the best weights, so a task that is called `score` leaves the name to it.
    """
    from sftloop.evaluate.predict import predict_records
    from sftloop.models import LocalModel

    def validate(model: PreTrainedModel) -> dict[str, float]:
        predictor = LocalModel(model, encoder, "in training", write_choices=False)
        predictions = predict_records(predictor, scenario, records, None, label="Validating")
        values = primary_values(scenario, records, predictions)
        known = {name: value for name, value in values.items() if value is not None}
        return {**known, "score": mean_score(scenario, values)}

    return validate

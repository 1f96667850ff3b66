"""A pilot: a few steps and answers of the real run, through the real engine, timed and thrown away.

Loads the model as the run does, trains the chosen steps with the real optimizer, saves, loads what was saved,
and asks it. Knows how to time; doesn't know what the times will be used for.
"""

from __future__ import annotations

import gc
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from sftloop.models import PromptEncoder
from sftloop.plan.time_model import Work
from sftloop.train import train
from sftloop.train.head_start import taught
from sftloop.train.shared import usual_micro_batch_tokens
from sftloop.workflow.time_measured import Pilot, WholeRun
from sftloop.workflow.time_work import (
    Asked,
    BatchedModel,
    Shape,
    calls,
    drawn,
    planned_steps,
    spread_out,
    training_work,
)
from sftloop.workflow.train import set_up

if TYPE_CHECKING:
    from sftloop.records import Prediction, Record
    from sftloop.scenario import Scenario, Training

Clock = Callable[[], float]
_NEVER = 1_000_000_000


class StepClock(TrainerCallback):
    """Notes when each step ended, and when weights and checkpoint were written."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ends: list[float] = []
        self.validated = self.kept = self.saved = 0.0

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        """Start."""
        self.ends = [self.clock()]

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        """Note a step, its optimizer's update included."""
        self.ends.append(self.clock())

    def on_evaluate(self, *args: Any, **kwargs: Any) -> None:
        """Note that the best weights are written; what is validated before the first step is no part of it."""
        self.kept = self.clock()
        if len(self.ends) == 1:
            self.ends = [self.kept]

    def on_save(self, *args: Any, **kwargs: Any) -> None:
        """Note that the checkpoint is written."""
        self.saved = self.clock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is piloted."""

    scenario: Scenario
    train: Sequence[Record]
    validation: Sequence[Record]
    test: Sequence[Record]
    base: Path
    choices: Training
    clock: Clock = time.perf_counter
    start: float = 0.0
    """Seconds that passed before the model was touched."""
    crowd: float = 0.0
    """Other work on the machine: processes per core that wanted one."""


def pilot(bench: Bench, *, steps: int, answers: int) -> Pilot:
    """Run a pilot, its parts in the order that `run` has them, and throw its work away.

    Args:
        bench: the scenario, its records and the training.
        steps: to time; one more comes first, to warm up.
        answers: records per task to time in each evaluation.
    """
    began = bench.clock()
    found = Pilot(run=WholeRun(asked=len(bench.test)), crowd=bench.crowd)
    found.once["start"] = bench.start
    _linear_and_metrics(bench, found)
    loaded = _load(bench, found, None)
    _evaluate(bench, found, "before", loaded, answers)
    del loaded
    gc.collect()
    with tempfile.TemporaryDirectory(prefix="sftloop-pilot-") as directory:
        output = _train(bench, found, Path(directory), steps, answers)
        gc.collect()
        _evaluate(bench, found, "after", _load(bench, found, output), answers)
    found.took = bench.clock() - began
    return found


def _linear_and_metrics(bench: Bench, found: Pilot) -> None:
    """Fit the linear baseline as the run does, and measure its answers once for each set of predictions."""
    from sftloop.models import LinearBaseline
    from sftloop.workflow.measure import measure

    began = bench.clock()
    predictions: list[Prediction] = []
    for name, task in bench.scenario.tasks.items():
        own = [record for record in bench.train if record.task == name]
        asked = [record for record in bench.test if record.task == name]
        if task.kind in {"choice", "multi"} and own and asked:
            baseline = LinearBaseline()
            baseline.fit(own, task, bench.scenario.language, bench.choices.seed or 0)
            predictions += baseline.predict(asked)
    found.once["linear baseline"] = bench.clock() - began
    began = bench.clock()
    covered = {prediction.task for prediction in predictions}
    measure(bench.scenario, [record for record in bench.test if record.task in covered], predictions, seed=0)
    found.once["metrics"] = 3 * (bench.clock() - began)


def _train(bench: Bench, found: Pilot, directory: Path, steps: int, answers: int) -> Path:
    """Train the chosen steps; return the folder of what was saved."""
    began = bench.clock()
    ready = set_up(bench.scenario, bench.train, bench.base, bench.choices)
    found.once["set up"] = bench.clock() - began
    whole = ready.settings
    settings = replace(whole, epochs=1.0, task_weights={}, patience=None, save_every=_NEVER)
    planned = planned_steps(ready.examples, settings)
    settings = replace(settings, batch_size=min(whole.batch_size, max(map(len, planned))))
    examples = spread_out(planned, steps + 1)  # of few records the same ones, step after step
    watch = StepClock(bench.clock)

    def validate(model: Any) -> dict[str, float]:
        predictor = BatchedModel(model, ready.encoder, "in training", write_choices=False)
        _evaluate(bench, found, "validation", predictor, answers)
        watch.validated = bench.clock()
        return {"score": 0.0}

    outcome = train(
        ready.trainable,
        ready.method,
        examples,
        settings,
        directory=directory,
        validate=validate,
        objective=ready.objective,
        watch=[watch],
    )
    precision, device = ready.trainable.precision, ready.trainable.model.device.type
    tokens = whole.micro_batch_tokens or usual_micro_batch_tokens(device, precision)
    shared = tokens if outcome.shared_prefix else 0
    _note(
        found,
        watch,
        [training_work(step, settings, shared=shared) for step in planned_steps(examples, settings)],
    )
    found.records = len(examples) - len(planned_steps(examples, settings)[0])
    run = found.run
    run.train = [training_work(step, whole, shared=shared) for step in planned_steps(ready.examples, whole)]
    if bench.choices.head is not None:
        chosen = taught(ready.examples, whole.seed).values()
        run.head_start = [training_work(own, whole, shared=shared) for own in chosen]
    run.validations = math.ceil(len(run.train) / max(1, round(len(run.train) / whole.epochs)))
    run.validations += bool(run.head_start)
    run.save_every = whole.save_every
    run.shape = Shape.of(
        ready.trainable.model, parameters=ready.trainable.parameters, trained=outcome.trainable_parameters
    )
    return outcome.output


def _note(found: Pilot, watch: StepClock, work: Sequence[Work]) -> None:
    took = [after - before for before, after in pairwise(watch.ends)]
    for amount, seconds in zip(work[1:], took[1:], strict=True):
        found.train.add(amount, seconds)
    found.once["first step"] = max(0.0, took[0] - median(found.train.seconds))
    found.once["keep weights"] = watch.kept - watch.validated
    found.once["checkpoint"] = watch.saved - watch.kept


def _load(bench: Bench, found: Pilot, output: Path | None) -> BatchedModel:
    """Load the untouched or the trained model as `run` does."""
    whole = output if output is not None and output.name == "model" else None
    if whole is not None:
        PromptEncoder.from_directory(bench.base).tokenizer.save_pretrained(whole)
    began = bench.clock()
    loaded = BatchedModel.load(whole or bench.base, adapter=None if whole else output)
    assert isinstance(loaded, BatchedModel)
    found.once["load trained" if output else "load"] = bench.clock() - began
    return loaded


def _evaluate(bench: Bench, found: Pilot, name: str, model: BatchedModel, answers: int) -> None:
    """Time the predictor on more and on fewer records of each task, after one to warm up.

    The untouched model will write answers as long as those it wrote here; a trained one as long as the right ones.
    """
    records = bench.validation if name == "validation" else bench.test
    timed, seen = found.evaluations[name], dict[str, list[int]]()
    for task, own in _sample(records, answers).items():
        list(model.predict(bench.scenario, task, own[:1]))
        few = -(-len(own) // 4)
        for part in filter(None, (own[few:], own[:few])):
            began = bench.clock()
            written = {each.id: each.tokens or 0 for each in model.predict(bench.scenario, task, part)}
            seconds = bench.clock() - began
            seen.setdefault(task, []).extend(written.values())
            timed.add(model.work(bench.scenario, Asked(task, part), written), seconds)
        found.answers = max(found.answers, len(own))
    lengths = drawn(records, seen, 0) if name == "before" else model.right_lengths(bench.scenario, records)
    found.run.evaluations[name] = [model.work(bench.scenario, call, lengths) for call in calls(records)]


def _sample(records: Sequence[Record], each: int) -> dict[str, list[Record]]:
    """Return up to so many records of each task, evenly over their lengths, and so is any part of them."""
    chosen: dict[str, list[Record]] = {}
    for task in dict.fromkeys(record.task for record in records):
        own = sorted((r for r in records if r.task == task), key=lambda r: (len(str(r.input)), r.id))
        count = min(each, len(own))
        picked = [own[int((place + 0.5) * len(own) / count)] for place in range(count)]
        chosen[task] = [picked[place] for start in range(4) for place in range(start, count, 4)]
    return chosen

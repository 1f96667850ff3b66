"""The records of a measurement as this package's training examples, and their order.

Runs in the project's environment only.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from benchmarks.runners.job import Job
from sftloop.models import PromptEncoder, TaskTokens
from sftloop.records import Record
from sftloop.records.read import load_split
from sftloop.scenario import Scenario, load_scenario
from sftloop.train.examples import Example, encode_examples
from sftloop.train.schedule import plan_steps


class Workload(NamedTuple):
    """What is trained on."""

    scenario: Scenario
    records: list[Record]
    examples: list[Example]
    """As this package's trainer takes them; it decides the order itself."""
    order: list[int]
    """The order it decides on: the first `batch` make up the first step, and so on."""


def load_workload(job: Job) -> Workload:
    """Read and encode the job's records: spread evenly over the labels, always the same ones."""
    scenario = load_scenario(Path(job.scenario))
    records = load_split(scenario, "train", tasks=[job.task], limit=job.pool)
    if len(records) < job.pool:
        raise SystemExit(f"{job.pool} records are wanted, '{scenario.name}' has {len(records)}.")
    encoder = PromptEncoder.from_directory(Path(job.model))
    tokens = {job.task: TaskTokens.of(scenario, job.task, encoder)}
    examples = encode_examples(records, tokens, context_tokens=encoder.context_tokens)
    steps = plan_steps(
        [e.task for e in examples], [e.label for e in examples], epochs=1, batch_size=job.batch, seed=job.seed
    )
    return Workload(scenario, records, examples, [index for step in steps for index in step])

"""What a measuring process is told and what it answers, as two JSON files.

Imported by every runner, so it knows the standard library only.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One measurement of one system."""

    model: str
    """Directory of the base model."""
    conversations: str
    """JSON Lines of OpenAI messages, in the order they are trained on."""
    scenario: str
    """Directory of the scenario that the conversations come from."""
    task: str
    work: str
    """Directory that the process may fill; deleted afterwards."""
    result: str
    """File the answer is written to."""
    dtype: str
    """`bf16`, `fp32`, or `auto`: what the system chooses for this machine."""
    records: int
    """Records to train on, warm-up included; a multiple of `batch`."""
    pool: int
    """Records of the case, of which the first `records` are trained on here."""
    batch: int
    micro_batch: int
    """Records per forward pass of an ordinary trainer."""
    warmup_records: int
    """Records before the clock starts."""
    threads: int
    rank: int
    alpha: int
    learning_rate: float
    seed: int
    shared_prefix: bool
    template: str
    """LLaMA-Factory's name of the model's chat template."""
    adapter: str = ""
    """Where TRL saves the trained adapter; empty: nowhere."""

    @property
    def steps(self) -> int:
        """Optimizer steps, warm-up included."""
        return self.records // self.batch

    @property
    def accumulation(self) -> int:
        """Forward passes per optimizer step of an ordinary trainer."""
        return self.batch // self.micro_batch


def read_job() -> Job:
    """Read the job named on the command line and set the number of threads."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    import torch

    torch.set_num_threads(job.threads)
    return job


def read_conversations(job: Job) -> list[list[dict[str, str]]]:
    """Return the conversations that this job trains on."""
    with Path(job.conversations).open(encoding="utf-8") as stream:
        rows = [json.loads(line)["messages"] for line in stream]
    return rows[: job.records]


def answer(job: Job, facts: dict[str, Any]) -> None:
    """Write the answer, whole or not at all."""
    temporary = Path(job.result).with_suffix(".part")
    temporary.write_text(json.dumps(facts), encoding="utf-8")
    temporary.replace(job.result)

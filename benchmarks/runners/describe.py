"""Before anything is timed: writes the conversations all systems train on, and what is known about them.

Counts tokens and matrix products, and computes the loss every system should start from, with a plain fp32
forward of the untouched model. Runs in the project's environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from benchmarks.flops import Dimensions, ordinary_step, shared_step
from benchmarks.runners.job import Job, answer, read_job
from benchmarks.runners.workload import Workload, load_workload
from sftloop.core.jsonl import write_jsonl
from sftloop.models import PromptEncoder, load_causal_lm
from sftloop.records.exporters import export_rows
from sftloop.train.examples import Example


def main() -> None:
    job = read_job()
    workload = load_workload(job)
    in_order = [workload.records[index] for index in workload.order]
    write_jsonl(Path(job.conversations), export_rows(in_order, workload.scenario, "openai"))
    examples = [workload.examples[index] for index in workload.order]
    model = load_causal_lm(Path(job.model), "cpu", torch.float32)
    newline = PromptEncoder.from_directory(Path(job.model)).tokenizer("\n", add_special_tokens=False)
    losses = _first_losses(model, examples[: job.batch], list(newline["input_ids"]))
    answer(job, {**_sizes(job, workload, model.config), "first_losses": losses})


def _sizes(job: Job, workload: Workload, config: object) -> dict[str, object]:
    examples = workload.examples
    dimensions = Dimensions.of(config, rank=job.rank)
    lengths = [(len(e.prefix), len(e.suffix), len(e.target)) for e in examples]
    steps = [lengths[start : start + job.batch] for start in range(0, len(lengths), job.batch)]
    return {
        "prefix_tokens": len(examples[0].prefix),
        "tokens_per_record": sum(e.length for e in examples) / len(examples),
        "flops_per_record": {
            "shared": sum(shared_step(dimensions, step) for step in steps) / len(examples),
            "ordinary": sum(ordinary_step(dimensions, step) for step in steps) / len(examples),
        },
    }


@torch.no_grad()
def _first_losses(model: torch.nn.Module, batch: Sequence[Example], newline: list[int]) -> dict[str, float]:
    """Return learned tokens → mean loss of the first batch: the answers, and with the template's newline."""
    totals, counts = [0.0, 0.0], [0, 0]
    for example in batch:
        target = [*example.target, *newline]
        ids = [*example.prefix, *example.prompt, *target]
        logits = model(input_ids=torch.tensor([ids]), use_cache=False, logits_to_keep=len(target) + 1)
        each = cross_entropy(logits.logits[0, :-1], torch.tensor(target), reduction="none")
        for which, length in enumerate((len(example.target), len(target))):
            totals[which] += float(each[:length].sum())
            counts[which] += length
    return {str(count): total / count for total, count in zip(totals, counts, strict=True)}


if __name__ == "__main__":
    main()

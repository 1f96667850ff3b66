"""LLaMA-Factory's SFT on the conversations, in its fastest setting: no gradient checkpointing.

Uses its own entry point with the options its YAML files take. It loads weights in the dtype that the model's
configuration names, whatever it is told; for fp32 it gets a copy of the configuration that says so.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.runners.job import Job, answer, read_conversations, read_job
from benchmarks.runners.step_clock import StepClock, install, peak_memory_bytes

_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}


def main() -> None:
    job = read_job()
    os.environ["DISABLE_VERSION_CHECK"] = "1"
    _write_dataset(job)
    clock = StepClock(job.batch, micro_batch=job.micro_batch, count_records=job.batch)
    install(clock)
    from llamafactory.train.tuner import run_exp  # type: ignore[import-not-found]

    run_exp(_options(job), callbacks=[])
    facts = clock.facts(warmup_records=job.warmup_records)
    facts |= {"version": version("llamafactory"), "dtype": job.dtype}
    answer(job, {**facts, "peak_memory_bytes": peak_memory_bytes()})


def _write_dataset(job: Job) -> None:
    work = Path(job.work)
    rows = [{"messages": messages} for messages in read_conversations(job)]
    (work / "conversations.json").write_text(json.dumps(rows), encoding="utf-8")
    entry = {
        "file_name": "conversations.json",
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": _TAGS,
    }
    (work / "dataset_info.json").write_text(json.dumps({"bench": entry}), encoding="utf-8")


def _model_in(job: Job) -> Path:
    """Return a directory whose configuration names the job's dtype, with links to the model's other files."""
    place = Path(job.work) / "model"
    place.mkdir()
    for file in Path(job.model).iterdir():
        if file.name != "config.json":
            (place / file.name).symlink_to(file.resolve())
    config = json.loads((Path(job.model) / "config.json").read_text(encoding="utf-8"))
    config["dtype"] = {"bf16": "bfloat16", "fp32": "float32"}[job.dtype]
    (place / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return place


def _options(job: Job) -> dict[str, Any]:
    return {
        "stage": "sft",
        "do_train": True,
        "model_name_or_path": str(_model_in(job)),
        "template": job.template,
        "dataset_dir": job.work,
        "dataset": "bench",
        "cutoff_len": 8192,
        "overwrite_cache": True,
        "disable_shuffling": True,
        "finetuning_type": "lora",
        "lora_target": "all",
        "lora_rank": job.rank,
        "lora_alpha": job.alpha,
        "lora_dropout": 0.0,
        "disable_gradient_checkpointing": True,
        "bf16": job.dtype == "bf16",
        "use_cpu": True,
        "output_dir": str(Path(job.work) / "output"),
        "max_steps": job.steps,
        "per_device_train_batch_size": job.micro_batch,
        "gradient_accumulation_steps": job.accumulation,
        "learning_rate": job.learning_rate,
        "lr_scheduler_type": "cosine",
        "optim": "adamw_torch",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "seed": job.seed,
    }


if __name__ == "__main__":
    main()

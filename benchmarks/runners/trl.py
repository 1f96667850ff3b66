"""TRL's SFTTrainer on the conversations, in its fastest setting: no gradient checkpointing.

Each conversation is split into prompt and completion, so that only the answer is learned; the loss is TRL's
default, which forms logits at learned positions in chunks.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.runners.job import Job, answer, read_conversations, read_job
from benchmarks.runners.step_clock import StepClock, install, peak_memory_bytes


def main() -> None:
    job = read_job()
    clock = StepClock(job.batch, micro_batch=job.micro_batch, count_records=job.batch)
    install(clock)
    from datasets import Dataset  # type: ignore[import-not-found]
    from peft import LoraConfig
    from trl import SFTTrainer  # type: ignore[import-not-found]

    rows = [{"prompt": m[:-1], "completion": m[-1:]} for m in read_conversations(job)]
    lora = LoraConfig(
        task_type="CAUSAL_LM",
        r=job.rank,
        lora_alpha=job.alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
    )
    trainer = SFTTrainer(
        model=job.model, args=_arguments(job), train_dataset=Dataset.from_list(rows), peft_config=lora
    )
    trainer.train()
    if job.adapter:
        trainer.save_model(job.adapter)
    facts = clock.facts(warmup_records=job.warmup_records)
    facts |= {"version": version("trl"), "dtype": job.dtype}
    answer(job, {**facts, "peak_memory_bytes": peak_memory_bytes()})


def _arguments(job: Job) -> Any:
    from trl import SFTConfig

    return SFTConfig(
        output_dir=str(Path(job.work) / "output"),
        model_init_kwargs={"dtype": {"bf16": "bfloat16", "fp32": "float32"}[job.dtype]},
        bf16=job.dtype == "bf16",
        use_cpu=True,
        gradient_checkpointing=False,
        completion_only_loss=True,
        max_length=None,
        train_sampling_strategy="sequential",
        max_steps=job.steps,
        per_device_train_batch_size=job.micro_batch,
        gradient_accumulation_steps=job.accumulation,
        learning_rate=job.learning_rate,
        lr_scheduler_type="cosine",
        optim="adamw_torch",
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=job.seed,
    )


if __name__ == "__main__":
    main()

"""Reads the clock at the end of every pass and every optimizer step of a transformers Trainer, and its losses.

All measured systems train through that Trainer, so one callback times them all at the same place. Time from the
end of the warm-up to a step's end holds everything training costs: data, forward, backward, optimizer, logging.
Loading, tokenising and saving are not in it. Knows nothing of the systems.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, trainer


class StepClock(TrainerCallback):
    """Collects pass and step ends, losses and the shape of the first batch.

    Args:
        batch: records per optimizer step.
        micro_batch: records per pass of an accumulating trainer; None: a step is one pass.
        count_records: records in the first global batch to count tokens of; 0: count nothing.
    """

    def __init__(self, batch: int, *, micro_batch: int | None = None, count_records: int = 0) -> None:
        self._batch, self._micro_batch = batch, micro_batch or batch
        self.done: list[int] = []
        self.ends: list[float] = []
        self.own: list[float] = []
        self.machine: list[float | None] = []
        self.losses: list[float] = []
        self.tokens: dict[str, int] = {}
        self.dtypes: set[str] = set()
        self._count_records = count_records

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note what is trained, before the clock runs."""
        self.dtypes = {str(p.dtype).removeprefix("torch.") for p in kwargs["model"].parameters()}
        if self._count_records:
            loader = kwargs["train_dataloader"]
            rows = [loader.dataset[index] for index in range(self._count_records)]
            self.tokens = _count(loader.collate_fn(rows))

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """A pass of an accumulated step has ended."""
        self._read((self.done[-1] if self.done else 0) + self._micro_batch)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """An optimizer step has ended."""
        self._read(state.global_step * self._batch)

    def _read(self, done: int) -> None:
        """Read the clock, and how busy this process and the whole machine have been."""
        self.done.append(done)
        self.ends.append(time.perf_counter())
        self.own.append(time.process_time())
        self.machine.append(_machine_seconds())

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep the step's loss."""
        logs: dict[str, float] = kwargs["logs"]
        if "loss" in logs:
            self.losses.append(float(logs["loss"]))

    def facts(self, *, warmup_records: int) -> dict[str, Any]:
        """Return what was measured, the warm-up left out of the times.

        Args:
            warmup_records: records before the first reading that counts; at least one pass.
        """
        first = next(index for index, done in enumerate(self.done) if done >= warmup_records)
        records = self.done[-1] - self.done[first]
        return {
            "seconds_per_record": (self.ends[-1] - self.ends[first]) / records,
            "records": records,
            "cpu_seconds_per_record": (self.own[-1] - self.own[first]) / records,
            "disturbance": self._disturbance(first),
            "losses": self.losses,
            "weights": "+".join(sorted(self.dtypes)),
            **self.tokens,
        }

    def _disturbance(self, first: int) -> float | None:
        """Return the share of the machine's processors that others used meanwhile, where Linux tells."""
        begin, end = self.machine[first], self.machine[-1]
        if begin is None or end is None:
            return None
        others = (end - begin) - (self.own[-1] - self.own[first])
        wall = self.ends[-1] - self.ends[first]
        return max(0.0, others / wall / (os.cpu_count() or 1))


def install(clock: StepClock) -> None:
    """Make every Trainer of this process carry the clock, ahead of its own callbacks."""
    trainer.DEFAULT_CALLBACKS.append(clock)  # type: ignore[arg-type]


def peak_memory_bytes() -> int:
    """Return this process's largest resident size so far, in bytes.

    Linux's VmHWM where there is one: `ru_maxrss` may hold the parent's size from before the process began.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _machine_seconds() -> float | None:
    """Return processor seconds the whole machine has been busy since it started (stolen ones included)."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, stat.read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _count(batch: Any) -> dict[str, int]:
    """Count the learned tokens of a batch; the first position's label is never predicted."""
    learned = int((batch["labels"][:, 1:] != -100).sum())
    return {"target_tokens": learned, "padded_tokens": int(batch["input_ids"].numel())}

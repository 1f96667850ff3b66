"""What the training loss decides: to stop when it diverges, to change optimizers when it stands still.

Nearly every step holds one task, and tasks differ in their loss by nats. So each step is compared with steps of
its own task only; which tasks happen to come next is no news about the training.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from sftloop.core.errors import TrainingError
from sftloop.core.progress import say

_PLATEAU_SHARE, _PLATEAU_GAIN = 0.1, 0.005
_WINDOW, _NATS = 10, 1.0
_MIXED = "mixed"


def task_of(tasks: Iterable[str]) -> str:
    """Return the one task of a batch, or `mixed`."""
    found = set(tasks)
    return found.pop() if len(found) == 1 else _MIXED


class StopDivergence(TrainerCallback):
    """Ends a training that makes the model worse than it was, instead of letting it run for hours.

    Divergence: the mean loss of a task's last ten steps is a nat above both its first step's and its best ten's.
    """

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Compare the last steps of the newest step's task with its first and its best."""
        rows = _steps(state)
        task = rows[-1].get("task") if rows else None
        losses = [row["loss"] for row in rows if row.get("task") == task]
        if (last := _diverged(losses)) is not None:
            whose = f" of task '{task}'" if len({row.get("task") for row in rows}) > 1 else ""
            raise TrainingError(
                f"The loss{whose} diverges: {last:.2f} over the last {_WINDOW} steps (to step "
                f"{state.global_step}), {losses[0]:.2f} at the first.",
                hint=f"Lower the learning rate: --learning-rate {args.learning_rate / 5:.1g}, say. "
                "The best weights so far are kept.",
            )


class SwitchToMomentum(TrainerCallback):
    """Turns Adam into SGD with momentum, once.

    Args:
        at: after this step (from 1), this share of the steps (below 1), or on a `plateau`: the mean training
            loss of the last tenth of the steps is less than half a percent below that of the tenth before.
        steps: optimizer steps of the whole training.
    """

    def __init__(self, at: float | str, steps: int) -> None:
        self._at = None if isinstance(at, str) else round(at if at >= 1 else at * steps)
        self._window = max(2, round(_PLATEAU_SHARE * steps))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Switch where it is time, and say at which rates."""
        optimizer = kwargs["optimizer"]
        optimizer = getattr(optimizer, "optimizer", optimizer)
        if optimizer.switched or not self._is_time(state):
            return
        rates = ", ".join(f"{rate:.3g}" for rate in optimizer.switch())
        say(f"Adam hands over to SGD with momentum after step {state.global_step}, at rate {rates}")

    def _is_time(self, state: TrainerState) -> bool:
        if self._at is not None:
            return state.global_step >= self._at
        rows = _steps(state)
        if len(rows) < 2 * self._window:
            return False
        return _stands_still(rows[-2 * self._window : -self._window], rows[-self._window :])


def _steps(state: TrainerState) -> list[dict[str, Any]]:
    """Return the log's row of each step so far: `loss`, `step`, `task`."""
    return [row for row in state.log_history if "loss" in row]


def _diverged(losses: Sequence[float]) -> float | None:
    """Return the mean of the last window if the course of losses (one task's, in nats) diverges."""
    if len(losses) < 2 * _WINDOW:
        return None
    sums = [0.0, *accumulate(losses)]
    means = [(b - a) / _WINDOW for a, b in pairwise(sums[::_WINDOW])]
    last = sum(losses[-_WINDOW:]) / _WINDOW
    return last if last > max(losses[0], min(means)) + _NATS else None


def _stands_still(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> bool:
    """Is the later steps' loss no lower than that of as many earlier steps of the same tasks?"""
    means = {task: sum(own) / len(own) for task, own in _by_task(before).items()}
    pairs = [(means[task], loss) for task, own in _by_task(after).items() if task in means for loss in own]
    was, now = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    return bool(pairs) and now > (1 - _PLATEAU_GAIN) * was


def _by_task(rows: Sequence[dict[str, Any]]) -> dict[Any, list[float]]:
    found: dict[Any, list[float]] = {}
    for row in rows:
        found.setdefault(row.get("task"), []).append(row["loss"])
    return found

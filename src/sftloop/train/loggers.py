"""Where losses and scores go beside the run's own files: TensorBoard, or a tracker of other people.

Knows the trackers' callbacks; doesn't know what is trained. A tracker may stop a training before its first
step, never after.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from sftloop.core.errors import ExternalError, UsageError
from sftloop.core.progress import say

LOGGERS = ("tensorboard", "none", "wandb", "mlflow", "swanlab")
_OFFLINE = {
    "wandb": "`wandb login`, or WANDB_MODE=offline",
    "mlflow": "MLFLOW_TRACKING_URI names the server",
    "swanlab": "`swanlab login`, or SWANLAB_MODE=offline",
}
_FINISHED_BY_HAND = ("wandb", "swanlab")


def logger_callbacks(name: str, directory: Path) -> list[TrainerCallback]:
    """Return the callbacks of the logger `name`; TensorBoard's files go to `directory`/logs.

    Raises:
        UsageError: an unknown logger, or one whose package isn't installed.
    """
    if name not in LOGGERS:
        raise UsageError(f"There is no logger '{name}'.", hint=f"Valid: {', '.join(LOGGERS)}.")
    if name == "none":
        return []
    if name == "tensorboard":
        from torch.utils.tensorboard import SummaryWriter
        from transformers.integrations.integration_utils import TensorBoardCallback

        return [TensorBoardCallback(SummaryWriter(str(directory / "logs")))]
    if find_spec(name) is None:
        raise UsageError(
            f"log_to={name} needs the package '{name}', which isn't installed.",
            hint=f"pip install {name}, or leave log_to at tensorboard.",
        )
    return [Tracker(name, _callback(name))]


def _callback(name: str) -> TrainerCallback:
    if name == "swanlab":  # transformers' own goes by an interface that SwanLab has given up
        from swanlab.integration.transformers import SwanLabCallback

        callback: TrainerCallback = SwanLabCallback(project=os.environ.get("SWANLAB_PROJECT"))
        return callback
    from transformers.integrations.integration_utils import get_reporting_integration_callbacks

    [kind] = get_reporting_integration_callbacks(name)
    made: TrainerCallback = kind()
    return made


class Tracker(TrainerCallback):
    """Hands events to a tracker's callback: its words go to standard error, its failures don't end a training.

    Args:
        name: of the tracker.
        callback: the tracker's own.

    Raises:
        ExternalError: the tracker can't even begin (nobody logged in, no server); nothing is trained yet then.
    """

    def __init__(self, name: str, callback: TrainerCallback) -> None:
        self.name, self._callback = name, callback
        self._lost = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin a run of the tracker."""
        try:
            with redirect_stdout(sys.stderr):
                self._callback.on_train_begin(args, state, control, **kwargs)
        except Exception as error:
            raise ExternalError(
                f"The logger '{self.name}' can't begin: {_first_line(error)}.",
                hint=f"{_OFFLINE.get(self.name, 'See its own documents')}; or leave log_to at tensorboard.",
            ) from error

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Hand on losses, rates and scores."""
        self._tell(self._callback.on_log, args, state, control, **kwargs)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Hand on that a checkpoint was written."""
        self._tell(self._callback.on_save, args, state, control, **kwargs)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """End the tracker's run, so that the next training of this process has its own."""
        self._tell(self._callback.on_train_end, args, state, control, **kwargs)
        if self.name in _FINISHED_BY_HAND:
            self._tell(import_module(self.name).finish)

    def _tell(self, event: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        if self._lost:
            return
        try:
            with redirect_stdout(sys.stderr):
                event(*args, **kwargs)
        except Exception as error:
            self._lost = True
            say(f"The logger '{self.name}' failed and is told no more: {_first_line(error)}.")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".:")

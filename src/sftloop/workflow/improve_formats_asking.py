"""Formats put to a model or a service: every answer is kept, so that none is asked for twice.

The model is loaded when the first answer is missing, and once for all formats. Doesn't choose.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sftloop.core.files import sha256_json
from sftloop.core.rundir import RunDirectory
from sftloop.evaluate.predict import Predictor, predict_records
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario
from sftloop.workflow.answering import asks_again
from sftloop.workflow.improve_formats_variants import FormatVariant
from sftloop.workflow.system import System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sftloop.models import PromptEncoder


class FormatAsker:
    """Asks one system in any format, into `formats/NAME/WHICH.jsonl` of the run.

    Args:
        run: keeps the answers.
        system: a model or a service.
        stack: closes what is opened.
    """

    def __init__(self, run: RunDirectory, system: System, stack: ExitStack) -> None:
        self.run, self.system, self._stack = run, system, stack
        self._opened: Predictor | None = None
        self._seen: set[Path] = set()
        self.seconds: dict[str, float] = {}
        """Format → seconds that its answers took in this process."""
        self.answers: dict[str, int] = {}
        """Format → answers that were asked for in this process."""

    def ask(self, variant: FormatVariant, records: Sequence[Record], which: str) -> list[Prediction]:
        """Return the format's predictions in the records' order; those on disk are not asked for again.

        What a service failed to answer for an earlier command is.
        """
        path = self.run.file(f"formats/{slug(variant)}/{which}.jsonl")
        label, again = f"{variant.name} ({which})", asks_again(self.system.kind, path, self._seen)
        return predict_records(
            _Counted(self, variant), variant.scenario, records, path, label=label, again=again
        )

    def predictor(self) -> Predictor:
        """Return what answers, opened on the first call; a format's prompts are not remembered for the next."""
        if self._opened is None:
            self._opened = self._stack.enter_context(self.system.runs[0]())
        fresh: Any = self._opened
        if self.system.kind == "model":
            from sftloop.models import LocalModel

            fresh = LocalModel(fresh.model, fresh.encoder, fresh.name)
        answered: Predictor = fresh
        return answered


class _Counted:
    """A predictor that opens the system when it is first asked and notes the time that answers take."""

    def __init__(self, asker: FormatAsker, variant: FormatVariant) -> None:
        self._asker, self._name = asker, variant.name
        self._predictor: Predictor | None = None

    def predict(self, scenario: Scenario, task: str, records: Sequence[Record]) -> Iterator[Prediction]:
        """Yield one prediction per record, in any order."""
        self._predictor = self._predictor or self._asker.predictor()
        began = time.monotonic()
        for prediction in self._predictor.predict(scenario, task, records):
            now = time.monotonic()
            seconds, answers = self._asker.seconds, self._asker.answers
            seconds[self._name] = seconds.get(self._name, 0.0) + now - began
            answers[self._name] = answers.get(self._name, 0) + 1
            began = now
            yield prediction


def slug(variant: FormatVariant) -> str:
    """Return the name of a format's folder."""
    return f"{'-'.join(variant.levels.values()).replace(' ', '-')}-{sha256_json(variant.said)[:6]}"


class SharedTokens(NamedTuple):
    """How a task's prompts divide, in tokens."""

    shared: int
    """What all of them begin with: computed once."""
    own: int
    """The rest of one record's prompt: computed for every record."""


def shared_tokens(
    variant: FormatVariant, samples: Mapping[str, Record], encoder: PromptEncoder | None
) -> dict[str, SharedTokens] | None:
    """Return task → how its prompts divide, judged by one record each; None without a tokenizer.

    Raises:
        ValueError: two labels have the same tokens in this format.
    """
    if encoder is None:
        return None
    from sftloop.models import TaskTokens

    found = {}
    for name, record in samples.items():
        tokens = TaskTokens.of(variant.scenario, name, encoder)
        found[name] = SharedTokens(len(tokens.prefix), len(tokens.prompt(record)) - len(tokens.prefix))
    return found

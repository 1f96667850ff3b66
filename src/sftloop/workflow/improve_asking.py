"""The models of `prompt improve`: the one whose prompt is improved, and the one that writes proposals.

Each is on this machine or behind an API, opened when its first question isn't answered yet. Answers are kept per
prompt, so that a wording asked before costs nothing. Doesn't know what is asked or why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import UsageError
from sftloop.core.files import atomic_write_text, sha256_json
from sftloop.core.progress import say
from sftloop.core.rundir import RunDirectory
from sftloop.evaluate.predict import Predictor, predict_records
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, probe_prompts
from sftloop.workflow.answering import asks_again
from sftloop.workflow.api_systems import Services, require_service, service_endpoints
from sftloop.workflow.base_model import base_model

if TYPE_CHECKING:
    from sftloop.models.remote import Endpoint

_IN_LETTERS = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A model that answers: its name, what its answers depend on, how it is loaded."""

    name: str
    kind: str
    """`local` or `api`."""
    identity: str
    open: Callable[[ExitStack], Any]


def find_voices(model: str, writer: str | None, services: Services) -> tuple[Voice, Voice]:
    """Return the model and the writer, the same one where no writer is named; loads nothing.

    Args:
        model: a local model, or `MODEL@URL`.
        writer: likewise.
        services: prices, keys and budget of those behind an API.

    Raises:
        UsageError: a name can't be read, or a price or key belongs to none.
        ModelError: a local model isn't there.
    """
    named = list(dict.fromkeys([model, writer or model]))
    apis = [text for text in named if "@http" in text]
    every = Services(apis=apis, prices=services.prices, keys=services.keys, budget=services.budget)
    found = dict(zip(apis, service_endpoints(every, option="--model or --writer"), strict=True))
    require_service(every, "neither model", "--writer or --model")
    for endpoint in found.values():
        if services.budget is not None and endpoint.prices is None:
            raise UsageError(
                f"A budget can't be kept while the prices of '{endpoint.model}' are unknown.",
                hint=f"Give them per million tokens: --price {endpoint.model}=INPUT,OUTPUT.",
            )
    voices = {
        text: _remote(found[text], services.budget) if text in found else _local(text) for text in named
    }
    return voices[model], voices[writer or model]


def _remote(endpoint: Endpoint, budget: float | None) -> Voice:
    parts = {"address": endpoint.address, "model": endpoint.model, "options": dict(endpoint.options)}
    return Voice(
        name=endpoint.model,
        kind="api",
        identity=sha256_json(parts),
        open=partial(_open_remote, endpoint, budget),
    )


def _open_remote(endpoint: Endpoint, budget: float | None, stack: ExitStack) -> Any:
    from sftloop.models.remote import RemoteModel

    return stack.enter_context(RemoteModel(endpoint, budget=budget))


def _local(name: str) -> Voice:
    from sftloop.models import model_hash

    if "@" in name and not Path(name).exists():
        raise UsageError(
            f"'{name}' is neither a model nor MODEL@URL.",
            hint="A model behind an API is given as NAME@https://…/v1.",
        )
    path = base_model(name)
    shown = path.name if Path(name).exists() else name
    return Voice(name=shown, kind="local", identity=model_hash(path), open=partial(_open_local, path, shown))


def _open_local(path: Path, name: str, stack: ExitStack) -> Any:
    from sftloop.models import LocalModel

    del stack  # weights need no closing
    return LocalModel.load(path, name=name)


class Asking:
    """Asks voices and keeps their answers in a run directory; a context manager that closes what it opened.

    Args:
        run: where answers are kept.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run, self._stack = run, ExitStack()
        self._opened: dict[str, Any] = {}
        self._seen: set[Path] = set()

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    def answers(
        self, voice: Voice, scenario: Scenario, records: Sequence[Record], part: str, *, reasons: bool
    ) -> list[Prediction]:
        """Return the answers to records of one task, from the run directory where they are there.

        What a service failed to answer for an earlier command is asked for again.

        Args:
            voice: who answers.
            scenario: the wording.
            records: of one task; none gives none.
            part: which records these are; names the file.
            reasons: let a local model also write its answers to a choice; its labels are the same without.

        Raises:
            ExternalError: the service or the disk failed for good; what was answered is kept.
        """
        if not records:
            return []
        task = records[0].task
        path = self._run.file(f"answers/{_slug(task)}-{prompt_key(scenario, task)[:8]}/{part}.jsonl")
        predictor = _Lazy(self, voice, reasons)
        label = f"{part.partition('-')[0].replace('_', '-').capitalize()} records"
        again = asks_again(voice.kind, path, self._seen)
        return predict_records(predictor, scenario, records, path, label=label, again=again)

    def write(self, voice: Voice, scenario: Scenario, question: Record) -> Prediction:
        """Return what the writer answers to one question, kept under the question's id."""
        path = self._run.file("writer/answers.jsonl")
        [answer] = predict_records(
            _Lazy(self, voice, True),
            scenario,
            [question],
            path,
            label=f"Asking {voice.name}",
            again=voice.kind == "api",
        )
        return answer

    def keep_prompt(self, text: str) -> Path:
        """Write a scenario's text into the run directory, under a name that depends on it, and return its path."""
        path = self._run.file(f"prompts/{sha256_json(text)[:8]}.yaml")
        if not path.exists():
            atomic_write_text(path, text)
        return path

    def opened(self, voice: Voice) -> Any:
        """Return the voice ready to answer; loaded once."""
        if voice.identity not in self._opened:
            self._opened[voice.identity] = voice.open(self._stack)
        return self._opened[voice.identity]

    @property
    def costs(self) -> list[dict[str, Any]]:
        """What each service's calls of this process cost."""
        found = []
        for one in self._opened.values():
            costs = getattr(one, "costs", None)
            if costs is not None:
                row = {"model": one.endpoint.model, "spent": costs.spent, "currency": costs.currency}
                found.append(row | {"calls": costs.calls})
        return found


def prompt_key(scenario: Scenario, task: str) -> str:
    """Return a digest of all that a task's prompts share: two wordings of one text are the same prompt."""
    spec = scenario.tasks[task]
    prompts = [prompt.messages for prompt in probe_prompts(scenario, spec)]
    return sha256_json({"prompts": prompts, "labels": list(spec.labels), "limit": spec.max_answer_tokens})


class _Lazy:
    """A predictor that is opened by its first unanswered record."""

    def __init__(self, asking: Asking, voice: Voice, reasons: bool) -> None:
        self._asking, self._voice, self._reasons = asking, voice, reasons

    @cached_property
    def chunk(self) -> int:
        """Records at a time: all for a service, which would idle between lots."""
        return 8192 if self._voice.kind == "api" else 256

    def predict(self, scenario: Scenario, task: str, records: Sequence[Record]) -> Iterator[Prediction]:
        """Yield the answers; a service says first what many of them will take."""
        ready = self._ready()
        if len(records) > 1 and (estimate := getattr(ready, "estimate", None)):
            say(f"{self._voice.name}: {estimate(scenario, records)}")
        yield from ready.predict(scenario, task, records)

    def _ready(self) -> Predictor:
        opened = self._asking.opened(self._voice)
        if self._voice.kind == "api":
            return opened  # type: ignore[no-any-return]
        from sftloop.models import LocalModel

        # what a model holds of a task's tokens belongs to one wording, so each gets a reader of its own
        return LocalModel(opened.model, opened.encoder, opened.name, write_choices=self._reasons)


def _slug(name: str) -> str:
    return _IN_LETTERS.sub("-", name).strip("-.") or "task"

"""A model on this machine: loads it, and predicts records with the prompt's prefix computed once per task.

Labels of `choice` tasks are scored exactly; beside them the model writes its answer freely, so that the
format is measured too. Doesn't know metrics, files of predictions or training.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sftloop.core.progress import say
from sftloop.models.device import choose_device, choose_dtype
from sftloop.models.encode import PromptEncoder
from sftloop.models.generate import continue_greedily, extend_each
from sftloop.models.heads import attach_heads, heads_of, load_heads, read_head
from sftloop.models.in_full import label_scores, last_hidden_state, write_greedily
from sftloop.models.labels import LabelScores, run_whole, score_labels
from sftloop.models.load import load_adapter, load_causal_lm
from sftloop.models.packed import PackedContext, pack, why_not_shareable
from sftloop.models.task_tokens import TaskTokens
from sftloop.models.virtual_tokens import virtual_count
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Scenario, parse_answer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_BATCH_TOKENS = 3072
"""Packed suffix tokens per forward pass: large enough to fill the matrix units, small enough for the mask."""
_TREE_ROWS = 512
"""Records × nodes of a small label tree per forward pass."""


@dataclass(slots=True)
class _Item:
    index: int
    record: Record
    suffix: list[int]


class LocalModel:
    """A causal language model with its tokenizer, ready to predict.

    Args:
        model: a transformers model, possibly wrapped by peft.
        encoder: its tokenizer.
        name: what results are filed under.
        write_choices: let the model also write its answer to `choice` tasks; without it only the labels are
            scored, in about half the time. Where evidence or reason come before the label it always writes, and
            the labels are scored behind what it wrote.
    """

    def __init__(
        self, model: PreTrainedModel, encoder: PromptEncoder, name: str, *, write_choices: bool = True
    ) -> None:
        self.model, self.encoder, self.name, self.write_choices = model, encoder, name, write_choices
        self._why_in_full = why_not_shareable(model.config, training=False)
        self._heads = heads_of(model)
        self._tokens: dict[str, TaskTokens] = {}
        self._needed: dict[str, float] = {}
        """Per task: the share of its label tree that mattered to the last batch."""

    @classmethod
    def load(
        cls,
        directory: Path,
        *,
        adapter: Path | None = None,
        name: str | None = None,
        device: str | None = None,
        dtype: torch.dtype | None = None,
    ) -> LocalModel:
        """Load weights (safetensors only) and, if given, a peft adapter.

        Raises:
            ModelError: unreadable weights or an adapter that doesn't fit.
        """
        device = device or choose_device()
        model = load_causal_lm(directory, device, dtype or choose_dtype(device))
        if adapter is not None:
            model = load_adapter(model, adapter)
        width = model.config.get_text_config().hidden_size
        if heads := load_heads(adapter or directory, width):
            attach_heads(model, [head.to(device) for head in heads.values()])
        model.eval()
        return cls(model, PromptEncoder.from_directory(directory), name or directory.name)

    def predict(self, scenario: Scenario, task: str, records: Sequence[Record]) -> Iterator[Prediction]:
        """Yield one prediction per record, in batches of similar length, not in the records' order.

        Args:
            scenario: gives the prompt's wording.
            task: the task that all `records` belong to.
            records: what to predict.
        """
        if self._why_in_full and not self._tokens:
            say(f"Every prompt is run in full, which is slow: {self._why_in_full}.")
        tokens = self._tokens.setdefault(task, TaskTokens.of(scenario, task, self.encoder))
        fitting, odd, too_long = self._sort(tokens, records)
        yield from too_long
        with inference(self.model):
            if self._why_in_full:
                yield from self._predict_in_full(tokens, fitting, odd)
                return
            context = PackedContext.from_prefix(self.model, tokens.prefix)
            for batch in self._batches(fitting, tokens):
                yield from self._predict_batch(context, tokens, batch)
            for batch in self._batches(odd, tokens):
                yield from self._predict_batch(PackedContext.from_prefix(self.model, []), tokens, batch)

    def _sort(
        self, tokens: TaskTokens, records: Sequence[Record]
    ) -> tuple[list[_Item], list[_Item], list[Prediction]]:
        """Split the records: behind the shared prefix, without it (rare), and too long to be read."""
        fitting: list[_Item] = []
        odd: list[_Item] = []
        too_long: list[Prediction] = []
        beside = 0 if tokens.task.name in self._heads else tokens.answer_limit
        room = (self.encoder.context_tokens or 1 << 30) - beside - virtual_count(self.model)
        for index, record in enumerate(records):
            prompt = tokens.prompt(record)
            if len(prompt) > room:
                why = f"the prompt has {len(prompt)} tokens, the model reads {room} beside its answer"
                too_long.append(
                    Prediction(id=record.id, task=record.task, error=why, prompt_tokens=len(prompt))
                )
                continue
            cut = tokens.split(prompt)
            (fitting if cut else odd).append(_Item(index, record, prompt[cut:]))
        return fitting, odd, too_long

    def _batches(self, items: list[_Item], tokens: TaskTokens) -> Iterator[list[_Item]]:
        nodes = min(len(tokens.tree.inner), 12) if tokens.tree else 1
        most = max(1, _TREE_ROWS // max(1, nodes))
        batch: list[_Item] = []
        size = 0
        for item in sorted(items, key=lambda item: (len(item.suffix), item.index)):
            if batch and (size + len(item.suffix) > _BATCH_TOKENS or len(batch) == most):
                yield batch
                batch, size = [], 0
            batch.append(item)
            size += len(item.suffix)
        if batch:
            yield batch

    def _predict_batch(
        self, prefix: PackedContext, tokens: TaskTokens, batch: list[_Item]
    ) -> Iterator[Prediction]:
        began = time.perf_counter()
        context = prefix.fork()
        suffixes = [item.suffix for item in batch]
        last = torch.tensor([len(s) for s in suffixes], device=self.model.device).cumsum(0) - 1
        row = pack(suffixes, prefix.length, self.model.device)
        ends = [prefix.length + len(suffix) for suffix in suffixes]
        if tokens.task.name in self._heads:
            yield from self._read_head(context.extend(row, last, hidden=True), tokens, batch, ends, began)
            return
        root = context.extend(row, last)
        tables: Sequence[dict[str, float] | None] = [None] * len(batch)
        begun = [[token] for token in root.argmax(-1).tolist()]
        reasons_first = tokens.task.reasons_first
        if tokens.tree is not None and not reasons_first:
            scores = self._score(context, tokens, root, ends)
            tables, begun = _tables(scores, tokens), scores.greedy
        written: list[list[int]] = [[] for _ in batch]
        if tokens.tree is None or self.write_choices or reasons_first:
            stop, limit = self.encoder.stop_ids, tokens.answer_limit
            written = continue_greedily(context.fork(), begun, ends, stop=stop, limit=limit)
        if tokens.tree is not None and reasons_first:
            tables = self._score_behind(context, tokens, written, ends)
        seconds = (time.perf_counter() - began) / len(batch)
        for item, ids, table, end in zip(batch, written, tables, ends, strict=True):
            yield self._prediction(tokens, item, ids, table, end, seconds)

    def _score(
        self, context: PackedContext, tokens: TaskTokens, root: Tensor, ends: Sequence[int]
    ) -> LabelScores:
        """Score the labels below what is in the context."""
        assert tokens.tree is not None
        whole = run_whole(tokens.tree, self._needed.get(tokens.task.name))
        scores = score_labels(context, tokens.tree, root, ends, whole=whole)
        self._needed[tokens.task.name] = scores.needed
        return scores

    def _score_behind(
        self, context: PackedContext, tokens: TaskTokens, written: list[list[int]], ends: list[int]
    ) -> list[dict[str, float]]:
        """Score the labels below the evidence and the reason that each record's written answer gives first."""
        heads = [tokens.head(self.encoder.decode(ids)) for ids in written]
        root = extend_each(context, range(len(heads)), heads, ends)
        behind = [end + len(head) for end, head in zip(ends, heads, strict=True)]
        return _tables(self._score(context, tokens, root, behind), tokens)

    def _predict_in_full(
        self, tokens: TaskTokens, fitting: list[_Item], odd: list[_Item]
    ) -> Iterator[Prediction]:
        """Run every record's whole prompt by itself: for architectures that can't share a prefix."""
        prompts = [(item, [*tokens.prefix, *item.suffix]) for item in fitting]
        for item, prompt in [*prompts, *((item, item.suffix) for item in odd)]:
            began = time.perf_counter()
            if tokens.task.name in self._heads:
                features = last_hidden_state(self.model, prompt)
                yield from self._read_head(features, tokens, [item], [len(prompt)], began)
                continue
            table, written, reasons_first = None, [], tokens.task.reasons_first
            if tokens.tree is None or self.write_choices or reasons_first:
                stop, limit = self.encoder.stop_ids, tokens.answer_limit
                written = write_greedily(self.model, prompt, stop=stop, limit=limit)
            if tokens.tree is not None:
                head = tokens.head(self.encoder.decode(written)) if reasons_first else []
                scores = label_scores(self.model, tokens.tree, [*prompt, *head]).exp().tolist()
                table = dict(zip(tokens.tree.labels, scores, strict=True))
            seconds = time.perf_counter() - began
            yield self._prediction(tokens, item, written, table, len(prompt), seconds)

    def _read_head(
        self, features: Tensor, tokens: TaskTokens, batch: list[_Item], ends: list[int], began: float
    ) -> Iterator[Prediction]:
        """Predict with the task's scoring head: nothing is written, labels or score come from one layer."""
        head = self._heads[tokens.task.name]
        values = head.activate(head(features)).tolist()
        seconds = (time.perf_counter() - began) / len(batch)
        for item, end, row_values in zip(batch, ends, values, strict=True):
            answer, table = read_head(head.shape, row_values)
            yield Prediction(
                id=item.record.id,
                task=item.record.task,
                answer=answer,
                probabilities=table,
                tokens=0,
                prompt_tokens=end,
                latency_seconds=seconds,
            )

    def _prediction(
        self,
        tokens: TaskTokens,
        item: _Item,
        ids: list[int],
        table: dict[str, float] | None,
        prompt_tokens: int,
        seconds: float,
    ) -> Prediction:
        text = self.encoder.decode(ids) if ids else None
        parsed = parse_answer(tokens.task, text or "", tokens.language)
        ended = bool(ids) and ids[-1] in self.encoder.stop_ids
        answer = parsed.answer
        if table is not None:
            best = max(table, key=table.__getitem__)
            agrees = answer is not None and answer.label == best
            answer = replace(answer, label=best) if agrees and answer else Answer(label=best)
        return Prediction(
            id=item.record.id,
            task=item.record.task,
            text=text,
            answer=answer,
            format_valid=parsed.valid and ended if ids else None,
            probabilities=table,
            tokens=len(ids),
            prompt_tokens=prompt_tokens,
            latency_seconds=seconds,
        )


def _tables(scores: LabelScores, tokens: TaskTokens) -> list[dict[str, float]]:
    """Return per record label → probability."""
    assert tokens.tree is not None
    rows = scores.log_probabilities.exp().tolist()
    return [dict(zip(tokens.tree.labels, row, strict=True)) for row in rows]


def inference(model: PreTrainedModel) -> AbstractContextManager[None]:
    """No gradients, and bf16 matrix products where the frozen weights are bf16 (adapters stay fp32).

    Where all weights are fp32, an autocast around it holds: a training in bf16 is validated in bf16.
    """
    return _Inference(model)


class _Inference(AbstractContextManager[None]):
    def __init__(self, model: PreTrainedModel) -> None:
        low = next((p.dtype for p in model.parameters() if p.dtype in {torch.bfloat16, torch.float16}), None)
        self._autocast = torch.autocast(model.device.type, dtype=low) if low else nullcontext()
        self._no_grad = torch.no_grad()

    def __enter__(self) -> None:
        self._no_grad.__enter__()
        self._autocast.__enter__()

    def __exit__(self, *details: object) -> None:
        self._autocast.__exit__(None, None, None)
        self._no_grad.__exit__(None, None, None)

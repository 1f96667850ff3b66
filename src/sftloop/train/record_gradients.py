"""Each record's own gradient, for many records at once behind a shared prefix.

A record's gradient is a sum of two: what its own tokens give, and what flows through its prefix's keys and values.
The first comes from one backward pass over many records: a linear layer's share is Σₜ gₜ xₜᵀ over the record's
tokens, contracted while input x and output gradient g are there. The second is `prefix_gradients`.

Knows tokens and a model whose trained parameters are linear layers' weights (LoRA); doesn't know what gradients
are for.

Shapes: `R` records of a block, `S` the longest suffix, `P` prefix tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from sftloop.core.errors import UsageError
from sftloop.models import PackedContext, transformer, why_not_shareable
from sftloop.train.chunked_loss import output_layer, summed_cross_entropy
from sftloop.train.examples import Example
from sftloop.train.plain import plain_step
from sftloop.train.prefix_gradients import add_through_prefix
from sftloop.train.record_attention import Behind, run_behind
from sftloop.train.shared import autocast, micro_batches, usual_micro_batch_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_BLOCK_BYTES = 1 << 30
"""Gradients of a block's records, at the parameters and at the prefix; more records, fewer directions a record."""


class RecordGradients(NamedTuple):
    """Gradients of some records' mean token loss."""

    places: list[int]
    """Where the R records stood among the examples."""
    gradients: dict[str, Tensor]
    """Parameter → (R, *its shape), fp32."""


def record_gradients(
    model: PreTrainedModel,
    examples: Sequence[Example],
    *,
    precision: torch.dtype | None = None,
    through_prefix: float = 1.0,
    micro_batch_tokens: int | None = None,
) -> Iterator[RecordGradients]:
    """Yield every record's gradient of its mean token loss, block by block.

    The order is not the given one. Dropout is off. Models whose prefix can't be shared run record by record.

    Args:
        model: its trained parameters are weights of linear layers.
        examples: of any tasks.
        precision: dtype of matrix products (autocast), None for the weights' own.
        through_prefix: how much of the gradients at the prefix's keys and values goes back through the prefix,
            as a share of their squares, each record counting alike: 1 is exact, 0 takes the prefix as fixed.
        micro_batch_tokens: suffix tokens per pass; None: half of what training takes, as each record has its
            own copy of the prefix.

    Raises:
        UsageError: something else than linear layers is trained.
    """
    layers = trained_layers(model)
    most = micro_batch_tokens or usual_micro_batch_tokens(model.device.type, precision) // 2
    learning = model.training
    model.eval()
    try:
        if why_not_shareable(model.config, training=False):
            yield from _one_by_one(model, examples, layers, precision)
            return
        for prefix, places in _by_prefix(examples).items():
            with torch.set_grad_enabled(through_prefix > 0), _unfused(model), autocast(model, precision):
                context = PackedContext.from_prefix(model, list(prefix))
            size = _records_per_block(layers, context)
            for start in range(0, len(places), size):
                part = sorted(places[start : start + size], key=lambda place: len(examples[place].suffix))
                group = [examples[place] for place in part]
                with _unfused(model):
                    found = _block(context, group, layers, precision, through_prefix, most)
                yield RecordGradients(part, found)
    finally:
        model.train(learning)


def trained_layers(model: torch.nn.Module) -> dict[str, torch.nn.Linear]:
    """Return the layers whose weights are trained, by the weights' names.

    Raises:
        UsageError: something else than linear layers is trained.
    """
    layers = {
        f"{name}.weight": layer
        for name, layer in model.named_modules()
        if isinstance(layer, torch.nn.Linear) and layer.weight.requires_grad
    }
    others = [name for name, p in model.named_parameters() if p.requires_grad and name not in layers]
    if others or not layers:
        what = f"'{others[0]}' is trained too" if others else "nothing is trained"
        raise UsageError(
            f"Gradients per record need a model of which only linear layers are trained, and {what}.",
            hint="Take LoRA without DoRA.",
        )
    return layers


def _block(
    context: PackedContext,
    group: Sequence[Example],
    layers: dict[str, torch.nn.Linear],
    precision: torch.dtype | None,
    through_prefix: float,
    most: int,
) -> dict[str, Tensor]:
    """Return the gradients of records behind one prefix, the shorter suffixes first."""
    model, device = context.model, context.model.device
    kept = [*context.prefix_keys, *context.prefix_values]
    learns = [place for place, each in enumerate(kept) if each.requires_grad]
    total = {n: torch.empty(len(group), *x.weight.shape, device=device) for n, x in layers.items()}
    at_prefix = [kept[place].new_empty(len(group), *kept[place].shape[1:]) for place in learns]
    start = 0
    for micro in micro_batches(group, most):
        rows = slice(start, start + len(micro))
        leaves = _leaves(kept, len(micro)) if learns else [each.detach() for each in kept]
        with _capturing(model, layers, {name: each[rows] for name, each in total.items()}):
            with autocast(model, precision):
                loss = _loss(context, leaves, micro)
            loss.backward()
        for place, each in zip(learns, at_prefix, strict=True):
            gradient = leaves[place].grad
            assert gradient is not None
            each[rows] = gradient
        start = rows.stop
    if learns:
        add_through_prefix(
            total,
            [kept[place] for place in learns],
            at_prefix,
            {name: layer.weight for name, layer in layers.items()},
            through_prefix,
        )
    tokens = torch.tensor([len(example.target) for example in group], device=device)
    for each in total.values():
        each.div_(tokens[:, None, None])
    return total


def _leaves(kept: Sequence[Tensor], records: int) -> list[Tensor]:
    """One view of the prefix per record, so that gradients there don't add up."""
    return [each.detach().expand(records, -1, -1, -1).requires_grad_() for each in kept]


def _loss(context: PackedContext, leaves: Sequence[Tensor], micro: Sequence[Example]) -> Tensor:
    """Return the summed loss of padded records behind the prefix."""
    device, count = context.model.device, len(leaves) // 2
    ids = torch.zeros(len(micro), max(len(example.suffix) for example in micro), dtype=torch.long)
    for row, example in enumerate(micro):
        ids[row, : len(example.suffix)] = torch.tensor(example.suffix)
    rows = [row for row, example in enumerate(micro) for _ in example.target]
    places = [len(e.prompt) - 1 + offset for e in micro for offset in range(len(e.target))]
    wanted = torch.tensor([token for example in micro for token in example.target], device=device)
    behind = Behind(leaves[:count], leaves[count:])
    body = transformer(context.model)
    run = partial(run_behind, context.model, ids.to(device), start=context.length, behind=behind)
    if (layer := output_layer(body)) is not None:
        states = run(getattr(body, body.base_model_prefix)).last_hidden_state
        return summed_cross_entropy(states[rows, places], layer, wanted)
    first = min(places)
    logits = run(body, logits_to_keep=ids.shape[1] - first).logits
    chosen = logits[rows, [place - first for place in places]].float()
    return torch.nn.functional.cross_entropy(chosen, wanted, reduction="sum")


@contextmanager
def _capturing(
    model: PreTrainedModel, layers: dict[str, torch.nn.Linear], into: dict[str, Tensor]
) -> Iterator[None]:
    """Write the layers' gradients per record, (R, outputs, inputs), from the backward pass within."""
    seen: set[str] = set()

    def watch(name: str, layer: torch.nn.Linear, inputs: Any, output: Tensor) -> None:
        x = inputs[0].detach()

        def contract(gradient: Tensor) -> None:
            seen.add(name)
            torch.bmm(gradient.float().transpose(1, 2), x.float(), out=into[name])

        output.register_hook(contract)

    hooks = [layer.register_forward_hook(partial(watch, name)) for name, layer in layers.items()]
    words: torch.nn.Module = transformer(model).get_input_embeddings()
    hooks.append(words.register_forward_hook(lambda *call: call[2].requires_grad_()))
    for layer in layers.values():
        layer.weight.requires_grad_(False)
    try:
        yield
        assert seen == set(layers), f"layers without a gradient: {sorted(set(layers) - seen)[:3]}"
    finally:
        for layer in layers.values():
            layer.weight.requires_grad_()
        for hook in hooks:
            hook.remove()


def _one_by_one(
    model: PreTrainedModel,
    examples: Sequence[Example],
    layers: dict[str, torch.nn.Linear],
    precision: torch.dtype | None,
) -> Iterator[RecordGradients]:
    """The ordinary way, for models whose prefix can't be shared."""
    for place, example in enumerate(examples):
        model.zero_grad(set_to_none=True)
        plain_step(model, [example], micro_batch=1, precision=precision)
        found = {
            name: layer.weight.grad[None].float()
            for name, layer in layers.items()
            if layer.weight.grad is not None
        }
        model.zero_grad(set_to_none=True)
        yield RecordGradients([place], found)


@contextmanager
def _unfused(model: torch.nn.Module) -> Iterator[None]:
    """Let layers compute as their classes do, not as `fused.py` has it.

    Adapters' inner layers can be watched then, and operations in place can't run over a batch of gradients.
    """
    fused = {
        module: module.__dict__.pop("forward") for module in model.modules() if "forward" in module.__dict__
    }
    try:
        yield
    finally:
        for module, forward in fused.items():
            module.forward = forward


def _by_prefix(examples: Sequence[Example]) -> dict[tuple[int, ...], list[int]]:
    """Return places by prefix; records of a label, whose gradients are alike, lie together."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for place in sorted(range(len(examples)), key=lambda place: examples[place].label or ""):
        groups.setdefault(examples[place].prefix, []).append(place)
    return groups


def _records_per_block(layers: dict[str, torch.nn.Linear], context: PackedContext) -> int:
    numbers = sum(layer.weight.numel() for layer in layers.values())
    numbers += sum(each.numel() for each in (*context.prefix_keys, *context.prefix_values))
    return max(1, _BLOCK_BYTES // (4 * numbers))

"""Many records in one row behind one shared prefix: a forward pass without padding or repeated work.

The prefix's keys and values are computed once; the records' own tokens ("suffixes") lie packed in a
single row and a mask lets each see the prefix and its own past only. Causal attention makes this exact:
a prefix token never looks at a suffix, so its keys and values don't depend on the record.

Knows transformers' cache and mask conventions; doesn't know prompts, answers or losses.

Shapes: `P` prefix tokens, `T` packed tokens of all records, `K` keys seen so far, `V` vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sftloop.models.shared_attention import NAME, Alone, Rows, attention
from sftloop.models.virtual_tokens import VirtualTokens, transformer

if TYPE_CHECKING:
    from transformers import DynamicCache, PreTrainedModel

PREFIX = -1
"""Segment number of prefix tokens: visible to every record."""

SHAREABLE = frozenset(
    {"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "gpt2", "phi3", "smollm3"}
)
"""Architectures (`model_type`) whose shared path is tested equal to the ordinary forward."""

_LONG = 512
"""Tokens from which a record alone is attended to without a mask; below, a mask is faster."""
_DROPOUTS = (
    "attention_dropout",
    "attn_pdrop",
    "resid_pdrop",
    "embd_pdrop",
    "hidden_dropout",
    "resid_dropout",
)


@dataclass(frozen=True, slots=True)
class AttentionLayout:
    """How an architecture's layers look back."""

    window: int | None
    """Sliding window in tokens, if any layer has one."""
    layered: bool
    """The model takes one mask per kind of layer instead of a single mask."""
    additive: bool
    """The attention code adds the mask to the scores (eager) instead of taking booleans."""

    @classmethod
    def of(cls, config: Any) -> AttentionLayout:
        """Read the layout from a model's configuration."""
        text = config.get_text_config()
        window = getattr(text, "sliding_window", None)
        if getattr(text, "use_sliding_window", True) is False:
            window = None
        layered = text.model_type in {"qwen2", "qwen3", "gemma2", "gemma3_text", "smollm3"}
        return cls(window=window, layered=layered, additive=text._attn_implementation == "eager")


def why_not_shareable(config: Any, *, training: bool) -> str | None:
    """Return why a shared prefix would not be exact for this model, or None when it is.

    Args:
        config: the model's configuration.
        training: dropout matters only then.
    """
    text = config.get_text_config()
    if text.model_type not in SHAREABLE:
        return f"architecture '{text.model_type}' is not among those tested ({', '.join(sorted(SHAREABLE))})"
    kinds = set(getattr(text, "layer_types", None) or ["full_attention"])
    if other := kinds - {"full_attention", "sliding_attention"}:
        return f"its layers of kind {', '.join(sorted(other))} carry state from token to token"
    if rope := next((name for name in _rope_types(text) if name == "longrope" or "dynamic" in name), None):
        return f"its positions (rope_type '{rope}') depend on how long the longest sequence of a pass is"
    if training:
        for name in _DROPOUTS:
            if getattr(text, name, 0.0):
                return f"{name}={getattr(text, name)} draws a different mask for every record"
    return None


def _rope_types(text: Any) -> list[str]:
    """Return the kinds of rotary positions: one for all layers, or one for each kind of layer."""
    found = getattr(text, "rope_parameters", None) or {}
    parts = [found, *(part for part in found.values() if isinstance(part, dict))]
    return [str(part["rope_type"]) for part in parts if "rope_type" in part]


@dataclass(slots=True)
class PackedTokens:
    """Tokens of several records in one row, all tensors of shape (T,)."""

    ids: Tensor
    segment: Tensor
    """Which record a token belongs to."""
    position: Tensor
    """Its place in its own sequence, prefix included."""
    node: Tensor | None = None
    """Its node in a tree of continuations, -1 outside of it."""
    embeddings: Tensor | None = None
    """(T, hidden) in place of `ids`, where virtual tokens are among them."""


@dataclass(slots=True)
class PackedContext:
    """What later tokens can attend to: keys and values per layer and whom they belong to."""

    model: PreTrainedModel
    layout: AttentionLayout
    prefix_keys: list[Tensor] = field(default_factory=list)
    """Per layer (1, H, P, D)."""
    prefix_values: list[Tensor] = field(default_factory=list)
    keys: list[Tensor] = field(default_factory=list)
    """Per layer (1, H, K − P, D): what lies behind the prefix."""
    values: list[Tensor] = field(default_factory=list)
    segment: Tensor | None = None
    position: Tensor | None = None
    node: Tensor | None = None

    @classmethod
    def from_prefix(cls, model: PreTrainedModel, prefix_ids: list[int]) -> PackedContext:
        """Run the prefix once. Gradients are kept if they are enabled."""
        context = cls(model, AttentionLayout.of(model.config))
        virtual = VirtualTokens.of(model)
        if virtual.keys:
            context._remember(_prefix_tokens(torch.zeros(virtual.count, dtype=torch.long), 0, model.device))
            context.keys, context.values = virtual.keys, virtual.values
        row = _prefix_tokens(torch.tensor(prefix_ids, dtype=torch.long), context.length, model.device)
        if virtual.embeddings is not None:
            row = _behind_embeddings(virtual.embeddings, row, model)
        if len(row.ids):
            context.extend(row, keep=row.ids.new_zeros(1))
        context.prefix_keys, context.prefix_values = context.keys, context.values
        context.keys, context.values = [], []
        return context

    @property
    def length(self) -> int:
        """Tokens that are there; of a fresh prefix: the position of what follows it."""
        return 0 if self.segment is None else len(self.segment)

    def over(self, prefix_keys: list[Tensor], prefix_values: list[Tensor]) -> PackedContext:
        """Return the same context over other tensors of the prefix (detached leaves, say)."""
        return replace(
            self,
            prefix_keys=prefix_keys,
            prefix_values=prefix_values,
            keys=list(self.keys),
            values=list(self.values),
        )

    def fork(self) -> PackedContext:
        """Return a copy that can be extended without touching this one (no tensor is copied)."""
        return self.over(self.prefix_keys, self.prefix_values)

    def extend(
        self, tokens: PackedTokens, keep: Tensor, ancestors: Tensor | None = None, *, hidden: bool = False
    ) -> Tensor:
        """Run `tokens` behind what is there and remember them.

        Args:
            tokens: T tokens in one row.
            keep: indices into the row at which logits are wanted, shape (N,).
            ancestors: boolean (M, M): may node i see node j of a tree of continuations.
            hidden: return the last hidden states instead of logits.

        Returns:
            Logits, shape (N, V), or hidden states, shape (N, hidden).
        """
        from transformers import AttentionInterface

        AttentionInterface.register(NAME, attention)
        self._remember(tokens)
        body = transformer(self.model)
        with self._attention(tokens, ancestors) as how:
            apart = "rows" in how
            cache = self._cache(with_prefix=not apart)
            given = tokens.ids[None] if tokens.embeddings is None else tokens.embeddings[None]
            run: Any = getattr(body, body.base_model_prefix) if hidden else body
            output = run(
                **{"input_ids" if tokens.embeddings is None else "inputs_embeds": given},
                position_ids=tokens.position[None],
                past_key_values=cache,
                use_cache=True,
                **({} if hidden else {"logits_to_keep": keep}),
                **how,
            )
        layers: list[Any] = cache.layers
        own = 0 if apart or not self.prefix_keys else self.prefix_keys[0].shape[2]
        taken = [layer.take() for layer in layers]
        self.keys = [keys[:, :, own:] for keys, _ in taken]
        self.values = [values[:, :, own:] for _, values in taken]
        found: Tensor = output.last_hidden_state[0, keep] if hidden else output.logits[0]
        return found

    def _cache(self, *, with_prefix: bool) -> DynamicCache:
        """What is there as transformers' cache; its `update` would copy it."""
        from transformers.cache_utils import DynamicCache

        from sftloop.models.fixed_past import FixedPast

        pieces = [(self.prefix_keys, self.prefix_values)] if with_prefix else []
        pieces.append((self.keys, self.values))
        cache = DynamicCache()
        for index in range(self.model.config.get_text_config().num_hidden_layers):
            cache.layers.append(FixedPast([(keys[index], values[index]) for keys, values in pieces if keys]))
        return cache

    def _remember(self, tokens: PackedTokens) -> None:
        node = tokens.node if tokens.node is not None else torch.full_like(tokens.segment, -1)
        if self.segment is None or self.position is None or self.node is None:
            self.segment, self.position, self.node = tokens.segment, tokens.position, node
            return
        self.segment = torch.cat([self.segment, tokens.segment])
        self.position = torch.cat([self.position, tokens.position])
        self.node = torch.cat([self.node, node])

    @contextmanager
    def _attention(self, tokens: PackedTokens, ancestors: Tensor | None) -> Iterator[dict[str, Any]]:
        """Choose how attention is computed; yields keyword arguments for the model's forward."""
        assert self.segment is not None and self.position is not None
        longest = int(self.position.max()) + 1
        windowed = self.layout.window is not None and self.layout.window < longest
        behind_virtual = bool(self.keys) and bool((tokens.segment == PREFIX).any())
        if windowed or behind_virtual or self.layout.additive or self.model.device.type != "cpu":
            yield {"attention_mask": self._masks(tokens, ancestors)}
            return
        config = self.model.config.get_text_config()
        usual = config._attn_implementation
        config._attn_implementation = NAME
        try:
            yield {"rows": self._rows(tokens, ancestors)}
        finally:
            config._attn_implementation = usual

    def _rows(self, tokens: PackedTokens, ancestors: Tensor | None) -> Rows | Alone | None:
        assert self.segment is not None
        prefix = int((self.segment == PREFIX).sum())
        if prefix == len(self.segment):
            return None
        if len(tokens.ids) >= _LONG and self._is_one_record(tokens, prefix):
            return Alone(self.prefix_keys, self.prefix_values)
        visible = self._visible(tokens, ancestors, prefix)
        return Rows.of(
            self.prefix_keys,
            self.prefix_values,
            tokens.segment,
            self.segment[prefix:],
            visible,
            torch.float32,
        )

    def _is_one_record(self, tokens: PackedTokens, prefix: int) -> bool:
        """Whether all that lies behind the prefix is one record's tokens in their order, and no tree."""
        assert self.segment is not None
        fresh = len(self.segment) - prefix == len(tokens.segment) and tokens.node is None
        return fresh and bool((tokens.segment == tokens.segment[0]).all())

    def _visible(self, tokens: PackedTokens, ancestors: Tensor | None, start: int = 0) -> Tensor:
        """May a token see a key, shape (T, K − start)."""
        assert self.segment is not None and self.position is not None and self.node is not None
        segment, node = self.segment[None, start:], self.node[None, start:]
        seen = (segment == PREFIX) | (segment == tokens.segment[:, None])
        seen &= tokens.position[:, None] >= self.position[None, start:]
        if ancestors is not None and tokens.node is not None:
            related = ancestors[tokens.node[:, None], node.clamp_min(0)]
            seen &= related | (node < 0)
        return seen

    def _masks(self, tokens: PackedTokens, ancestors: Tensor | None) -> Tensor | dict[str, Tensor]:
        assert self.position is not None
        full = sliding = self._visible(tokens, ancestors)
        if self.layout.window:
            behind = tokens.position[:, None] - self.position[None, :]
            sliding = full & (behind < self.layout.window)
        if self.layout.layered:
            return {"full_attention": self._shape(full), "sliding_attention": self._shape(sliding)}
        return self._shape(sliding)

    def _shape(self, mask: Tensor) -> Tensor:
        if not self.layout.additive:
            return mask[None, None]
        bias = torch.zeros(mask.shape, dtype=self.model.dtype, device=mask.device)
        return bias.masked_fill(~mask, torch.finfo(bias.dtype).min)[None, None]


def _prefix_tokens(ids: Tensor, start: int, device: torch.device) -> PackedTokens:
    ids = ids.to(device)
    return PackedTokens(
        ids, torch.full_like(ids, PREFIX), torch.arange(start, start + len(ids), device=device)
    )


def _behind_embeddings(virtual: Tensor, row: PackedTokens, model: PreTrainedModel) -> PackedTokens:
    """Put virtual tokens, given as embeddings, in front of a prefix's own."""
    words: Tensor = transformer(model).get_input_embeddings()(row.ids)
    ids = torch.cat([row.ids.new_zeros(len(virtual)), row.ids])
    whole = _prefix_tokens(ids, 0, row.ids.device)
    whole.embeddings = torch.cat([virtual.to(words.dtype), words])
    return whole


def pack(suffixes: list[list[int]], prefix_tokens: int, device: torch.device) -> PackedTokens:
    """Lay the records' suffixes behind each other in one row, record `i` as segment `i`."""
    ids = [token for suffix in suffixes for token in suffix]
    segment = [index for index, suffix in enumerate(suffixes) for _ in suffix]
    position = [prefix_tokens + offset for suffix in suffixes for offset in range(len(suffix))]
    return PackedTokens(
        torch.tensor(ids, device=device),
        torch.tensor(segment, device=device),
        torch.tensor(position, device=device),
    )

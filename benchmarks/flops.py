"""How many floating-point operations a LoRA training step needs at least, with and without a shared prefix.

Counts what the mathematics needs, not what a system spends: padding, logits where nothing is learned and
recomputation are not in it. `matrix_peak_share` is this count per second over the measured matrix peak.

Per token, all linear layers (`W` weights, frozen; `R` adapter weights, trained): forward 2(W+R), gradient of
the activations 2(W+R), gradient of the adapters 2R. Per pair of a token and one it looks at, all layers: two
products forward and four backward, 12·heads·head_dim. Per learned token: logits forward and back, 4·hidden·V.

Knows numbers only: no torch, no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Lengths = tuple[int, int, int]
"""Of one record: prefix tokens, suffix tokens (the rest of what the model reads), learned tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """The sizes of a decoder with a gated feed-forward block and adapters on all its linear layers."""

    layers: int
    hidden: int
    feed_forward: int
    heads: int
    key_value_heads: int
    head_dim: int
    vocabulary: int
    rank: int

    @classmethod
    def of(cls, config: Any, *, rank: int) -> Dimensions:
        """Read them from a transformers configuration."""
        heads = config.num_attention_heads
        return cls(
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            feed_forward=config.intermediate_size,
            heads=heads,
            key_value_heads=getattr(config, "num_key_value_heads", None) or heads,
            head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
            vocabulary=config.vocab_size,
            rank=rank,
        )

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(in, out) of one layer's linear maps: q, k, v, o, gate, up, down."""
        q, kv = self.heads * self.head_dim, self.key_value_heads * self.head_dim
        d, f = self.hidden, self.feed_forward
        return [(d, q), (d, kv), (d, kv), (q, d), (d, f), (d, f), (f, d)]

    @property
    def weights(self) -> int:
        """Weights of all linear layers, the vocabulary's left out."""
        return self.layers * sum(a * b for a, b in self.shapes)

    @property
    def adapter_weights(self) -> int:
        """Weights of all adapters."""
        return self.layers * self.rank * sum(a + b for a, b in self.shapes)


def ordinary_step(sizes: Dimensions, records: Sequence[Lengths]) -> float:
    """Return the operations of one optimizer step that runs every record in full."""
    return _operations(
        sizes,
        tokens=sum(prefix + suffix for prefix, suffix, _ in records),
        pairs=sum(_causal(prefix + suffix) for prefix, suffix, _ in records),
        learned=sum(learned for _, _, learned in records),
    )


def shared_step(sizes: Dimensions, records: Sequence[Lengths]) -> float:
    """Return the operations of one optimizer step that runs the records' one common prefix once."""
    prefix = records[0][0]
    assert all(record[0] == prefix for record in records), "the records share one prefix"
    return _operations(
        sizes,
        tokens=prefix + sum(suffix for _, suffix, _ in records),
        pairs=_causal(prefix) + sum(prefix * suffix + _causal(suffix) for _, suffix, _ in records),
        learned=sum(learned for _, _, learned in records),
    )


def _operations(sizes: Dimensions, *, tokens: int, pairs: int, learned: int) -> float:
    linear = tokens * (4 * sizes.weights + 6 * sizes.adapter_weights)
    attention = pairs * 12 * sizes.layers * sizes.heads * sizes.head_dim
    logits = learned * 4 * sizes.hidden * sizes.vocabulary
    return float(linear + attention + logits)


def _causal(tokens: int) -> int:
    return tokens * (tokens + 1) // 2

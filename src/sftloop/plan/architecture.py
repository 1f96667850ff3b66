"""A decoder's shape and its exact parameter counts, read from a Hugging Face `config.json`.

Knows which matrices, biases and norms each family has; doesn't know bytes, precision or training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sftloop.core.errors import ModelError, nearest
from sftloop.plan.names import families

Input = Literal["norm1", "attention", "norm2", "product"]
"""What a projection reads: a norm's output, attention's output, or the gated product inside the MLP."""

_FIELDS = {
    "hidden_size": ("n_embd",),
    "num_hidden_layers": ("n_layer",),
    "num_attention_heads": ("n_head",),
    "vocab_size": (),
}
"""What a configuration must say, with the names older ones use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """One matrix of a layer."""

    name: str
    """`q`, `k`, `v`, `o`, `gate`, `up`, `down`; `qkv` and `gate_up` where a family stores them as one."""
    inputs: int
    outputs: int
    bias: bool
    reads: Input

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.outputs * (self.inputs + self.bias)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What distinguishes a family of models, where its configuration doesn't say."""

    tied: bool = False
    gated: bool = True
    norms: int = 2
    """Norms per layer."""
    norm_bias: bool = False
    qk_norm: bool = False
    qkv_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False
    fused_qkv: bool = False
    fused_gate: bool = False
    learned_positions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A decoder's shape."""

    name: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    positions: int
    """Learned position embeddings; 0 with rotary ones."""
    tied: bool
    traits: Traits

    @classmethod
    def from_config(cls, config: Mapping[str, Any], name: str) -> Architecture:
        """Read a `config.json`; of a multimodal one its text part.

        Args:
            config: the file's content.
            name: for messages.

        Raises:
            ModelError: an unknown family, or a field that is missing or no positive number.
        """
        text = _text_part(config)
        traits = _traits(text, name)
        hidden, layers, heads, vocabulary = (_number(text, field, name) for field in _FIELDS)
        inner = text.get("intermediate_size") or text.get("n_inner")
        if inner is None and traits.gated:
            raise _missing("intermediate_size", name)
        tied = text.get("tie_word_embeddings", config.get("tie_word_embeddings"))
        return cls(
            name=name,
            hidden=hidden,
            layers=layers,
            heads=heads,
            kv_heads=int(text.get("num_key_value_heads") or heads),
            head_dim=int(text.get("head_dim") or hidden // heads),
            intermediate=int(inner or 4 * hidden),
            vocabulary=vocabulary,
            positions=int(text.get("n_positions", 0)) if traits.learned_positions else 0,
            tied=traits.tied if tied is None else bool(tied),
            traits=traits,
        )

    @property
    def queries(self) -> int:
        """Width of all query heads."""
        return self.heads * self.head_dim

    @property
    def keys(self) -> int:
        """Width of all key heads; values are as wide."""
        return self.kv_heads * self.head_dim

    @property
    def projections(self) -> tuple[Projection, ...]:
        """The matrices of one layer."""
        return (*self._attention(), *self._mlp())

    @property
    def linear(self) -> int:
        """Parameters of one layer's matrices, biases included."""
        return sum(each.parameters for each in self.projections)

    @property
    def norms(self) -> int:
        """Parameters of one layer's norms."""
        wide = self.traits.norms * self.hidden * (1 + self.traits.norm_bias)
        return wide + (2 * self.head_dim if self.traits.qk_norm else 0)

    @property
    def layer(self) -> int:
        """Parameters of one layer."""
        return self.linear + self.norms

    @property
    def embedding(self) -> int:
        """Parameters of the token embeddings and of learned positions."""
        return (self.vocabulary + self.positions) * self.hidden

    @property
    def head(self) -> int:
        """Parameters of the output matrix; 0 where it is the embeddings."""
        return 0 if self.tied else self.vocabulary * self.hidden

    @property
    def last_norm(self) -> int:
        """Parameters of the norm behind the last layer."""
        return self.hidden * (1 + self.traits.norm_bias)

    @property
    def parameters(self) -> int:
        """All parameters, tied ones once."""
        return self.embedding + self.layers * self.layer + self.last_norm + self.head

    def _attention(self) -> tuple[Projection, ...]:
        bias, h, q, k = self.traits.qkv_bias, self.hidden, self.queries, self.keys
        widths = {"qkv": q + 2 * k} if self.traits.fused_qkv else {"q": q, "k": k, "v": k}
        return (
            *(Projection(name=n, inputs=h, outputs=w, bias=bias, reads="norm1") for n, w in widths.items()),
            Projection(name="o", inputs=q, outputs=h, bias=self.traits.output_bias, reads="attention"),
        )

    def _mlp(self) -> tuple[Projection, ...]:
        bias, h, f = self.traits.mlp_bias, self.hidden, self.intermediate
        if not self.traits.gated:
            widths = {"up": f}
        else:
            widths = {"gate_up": 2 * f} if self.traits.fused_gate else {"gate": f, "up": f}
        return (
            *(Projection(name=n, inputs=h, outputs=w, bias=bias, reads="norm2") for n, w in widths.items()),
            Projection(name="down", inputs=f, outputs=h, bias=bias, reads="product"),
        )


def _text_part(config: Mapping[str, Any]) -> Mapping[str, Any]:
    text = config.get("text_config")
    return text if isinstance(text, Mapping) else config


def _traits(text: Mapping[str, Any], name: str) -> Traits:
    kind = text.get("model_type")
    if not isinstance(kind, str):
        raise _missing("model_type", name)
    known = families()
    if kind not in known:
        raise ModelError(
            f"'{name}' is of the architecture '{kind}', whose memory the planner doesn't know.",
            hint=nearest(kind, known),
        )
    values: dict[str, Any] = dict(known[kind])
    if "attention_bias" in text and not known[kind].get("qkv_bias"):
        bias = bool(text["attention_bias"])
        values |= {"qkv_bias": bias, "output_bias": bias}
    if "mlp_bias" in text:
        values["mlp_bias"] = bool(text["mlp_bias"])
    return Traits(**values)


def _number(text: Mapping[str, Any], field: str, name: str) -> int:
    value = next((text[key] for key in (field, *_FIELDS[field]) if key in text), None)
    if value is None:
        raise _missing(field, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ModelError(f"'{field}' in the configuration of '{name}' is {value!r}, not a positive number.")
    return value


def _missing(field: str, name: str) -> ModelError:
    return ModelError(
        f"The configuration of '{name}' lacks '{field}'.",
        hint="Give the config.json that lies beside the model's weights.",
    )

"""Which training records help a scenario: by their gradients, or by the loss they lose as the target is learnt.

Names are imported on first use, so that a command line can name the modes without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sftloop.curate.attribute.gradient_store import GradientStore
    from sftloop.curate.attribute.less import GRADIENT_COSINE, Attribution, LessOptions, less_scores
    from sftloop.curate.attribute.loss_drop import loss_drops, text_loss_drops
    from sftloop.curate.attribute.projection import Projection

_HOMES = {
    "GRADIENT_COSINE": "less",
    "Attribution": "less",
    "GradientStore": "gradient_store",
    "LessOptions": "less",
    "Projection": "projection",
    "less_scores": "less",
    "loss_drops": "loss_drop",
    "text_loss_drops": "loss_drop",
}

__all__ = [
    "GRADIENT_COSINE",
    "Attribution",
    "GradientStore",
    "LessOptions",
    "Projection",
    "less_scores",
    "loss_drops",
    "text_loss_drops",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

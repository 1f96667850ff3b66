"""Texts read by a model, with progress: minutes for thousands of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sftloop.core.progress import Progress

if TYPE_CHECKING:
    from sftloop.models import LocalModel


def read_texts(
    local: LocalModel, texts: Sequence[str], label: str = "Reading texts with the model"
) -> NDArray[np.float32]:
    """Return one vector of length 1 per text, shape (texts, hidden); see `embed_texts`."""
    from sftloop.models import embed_texts

    with Progress(label, len(texts)) as progress:
        return embed_texts(local.model, local.encoder, texts, advance=progress.advance)

"""What `--adapter` stands for: an adapter, weights of a whole model, or a run that holds either.

Looks at files only; loads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sftloop.workflow.base_model import base_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The model to load, and the adapter to put on it."""

    name: str
    path: Path
    adapter: Path | None


def trained_in(path: Path) -> Path:
    """Return the folder of the weights that a run trained; any other path stands for itself."""
    places = (path / part / name for part in ("train", ".") for name in ("adapter", "model"))
    return next((place for place in places if place.is_dir()), path)


def is_whole(path: Path) -> bool:
    """Whether a folder holds a whole model rather than an adapter."""
    return (path / "config.json").is_file() and not (path / "adapter_config.json").is_file()


def find_weights(name: str, adapter: Path | None) -> Weights:
    """Return what is to be loaded.

    Args:
        name: the base model.
        adapter: what was trained on it, as the user named it; where all weights were trained, it stands for itself
            and no base is looked for.

    Raises:
        ModelError: a model or adapter is missing or unfit.
    """
    if adapter is None:
        return Weights(name=name, path=base_model(name), adapter=None)
    place = trained_in(adapter)
    if is_whole(place):
        return Weights(name=str(place), path=base_model(str(place)), adapter=None)
    base = base_model(name)
    from sftloop.models import check_adapter

    check_adapter(place, base)
    return Weights(name=name, path=base, adapter=place)

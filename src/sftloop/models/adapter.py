"""Decides whether a peft adapter fits a base model, from files alone, and marks which base one was trained on.

Knows adapter_config.json and weight headers; loads no tensor.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError, ModelError
from sftloop.core.files import atomic_write_json, read_json
from sftloop.models.catalog import CatalogEntry, find_model
from sftloop.models.weights import Shapes, fingerprint, model_shapes, read_shapes

BASE_MARK = "base_model.json"
"""The file beside an adapter that says which weights it was trained on."""

_LAYER = re.compile(r"\.(\d+)\.")


def mark_base(adapter: Path, base: Path) -> None:
    """Write beside an adapter which base model it belongs to (name and fingerprint of the weights)."""
    atomic_write_json(adapter / BASE_MARK, {"name": base.name, "fingerprint": fingerprint(base)})


def check_adapter(adapter_dir: Path, base_path: Path) -> None:
    """Make sure that an adapter is in safetensors and belongs to the base model.

    The base is recognised by the mark that training leaves; an adapter from elsewhere has none, and is then
    judged by the base's name where that says enough, and always by the shapes of its matrices.

    Raises:
        ModelError: no adapter, a pickle, or trained on another base; the message names both.
    """
    config = _config(adapter_dir)
    weights = adapter_dir / "adapter_model.safetensors"
    if not weights.is_file():
        pickle = (adapter_dir / "adapter_model.bin").is_file()
        what = (
            "its weights in a pickle (adapter_model.bin) only" if pickle else "no adapter_model.safetensors"
        )
        raise ModelError(
            f"The adapter in '{adapter_dir}' has {what}.",
            hint="Save it again with save_pretrained(…, safe_serialization=True)."
            if pickle
            else "Check the path.",
        )
    tensors, mark = read_shapes(weights), _mark(adapter_dir)
    if mark.get("fingerprint") == fingerprint(base_path):
        return  # trained on these very weights: their file may name and pack matrices in its own way
    _check_identity(adapter_dir, config, mark, base_path)
    _check_shapes(adapter_dir, config, tensors, base_path)


def _config(adapter_dir: Path) -> dict[str, Any]:
    path = adapter_dir / "adapter_config.json"
    if not path.is_file():
        what = "is a model, not an adapter" if (adapter_dir / "config.json").is_file() else "is no adapter"
        raise ModelError(
            f"'{adapter_dir}' {what}: it has no adapter_config.json.",
            hint="Give the directory that training wrote, or a model with --model.",
        )
    try:
        config = read_json(path, "the adapter's configuration")
    except DataError as error:
        raise ModelError(error.message, hint="Copy the adapter again.") from None
    if not isinstance(config, dict):
        raise ModelError(f"'{path}' holds no JSON object.", hint="Copy the adapter again.")
    return config


def _mark(adapter_dir: Path) -> dict[str, Any]:
    """Return what training left of the base, empty where an adapter comes from elsewhere."""
    path = adapter_dir / BASE_MARK
    return dict(read_json(path, "the mark of the adapter's base model")) if path.is_file() else {}


def _check_identity(adapter_dir: Path, config: dict[str, Any], mark: dict[str, Any], base: Path) -> None:
    """Refuse when the adapter says that it belongs to other weights."""
    if mark:
        known, given = _catalogued(str(mark.get("name", ""))), _catalogued(base.name)
        if known is not None and known == given:
            return  # one model of the catalogue with other weights: one copy came quantised, the other did not
        raise _other_base(adapter_dir, str(mark.get("name")), base, "the weights differ")
    recorded = str(config.get("base_model_name_or_path") or "")
    place = Path(recorded).expanduser() if recorded else None
    if place is not None and place.is_dir():
        if place.resolve() != base.resolve() and fingerprint(place) != fingerprint(base):
            raise _other_base(adapter_dir, recorded, base, "the weights differ")
        return
    known, given = _catalogued(recorded), _catalogued(base.name)
    if known is not None and given is not None and known != given:
        raise _other_base(adapter_dir, recorded, base, "these are two models")


def _catalogued(name: str) -> CatalogEntry | None:
    return find_model(name) or find_model(Path(name).name)


def _check_shapes(adapter_dir: Path, config: dict[str, Any], tensors: Shapes, base: Path) -> None:
    """Refuse when a matrix of the adapter doesn't fit the base's matrix of the same place."""
    recorded = str(config.get("base_model_name_or_path") or "an unnamed base")
    shapes = {_place(name.removesuffix(".weight")): shape for name, shape in model_shapes(base).items()}
    lora = {name: shape for name, shape in tensors.items() if ".lora_" in name}
    found = False
    for name, shape in lora.items():
        why, known = _misfit(name, shape, shapes)
        if why:
            raise _other_base(adapter_dir, recorded, base, why)
        found = found or known
    if lora and not found:
        raise _other_base(adapter_dir, recorded, base, "none of its layers has a place there")
    prompt = tensors.get("prompt_embeddings")
    hidden = {shape[-1] for place, shape in shapes.items() if place.endswith(("embed_tokens", "wte"))}
    if (
        prompt
        and hidden
        and config.get("peft_type") in {"PROMPT_TUNING", "P_TUNING"}
        and prompt[-1] not in hidden
    ):
        why = f"its prompt has {prompt[-1]} dimensions, the base has {max(hidden)}"
        raise _other_base(adapter_dir, recorded, base, why)


def _misfit(name: str, shape: tuple[int, ...], base: Shapes) -> tuple[str, bool]:
    """Return why one LoRA matrix doesn't fit ("" when it does) and whether the base has its place.

    `lora_A` is rank × inputs, `lora_B` is outputs × rank; the base's matrix is outputs × inputs, or the other
    way round where the architecture keeps it so (GPT-2).
    """
    place, _, part = _place(name).partition(".lora_")
    wanted = base.get(place)
    if wanted is None:
        last = max(map(_layer, base), default=-1)
        return (f"the base has no layer {_layer(place)}" if _layer(place) > last else ""), False
    side = shape[-1] if part.startswith(("A", "embedding_A")) else shape[0]
    if len(shape) == 2 and side not in wanted:
        return (
            f"'{place}' is {' × '.join(map(str, wanted))} in the base, the adapter was made for {side}",
            True,
        )
    return "", True


def _place(name: str) -> str:
    """Return a module's path without the prefixes that wrappers add."""
    for prefix in ("base_model.model.", "model.", "transformer."):
        name = name.removeprefix(prefix)
    return name


def _layer(name: str) -> int:
    match = _LAYER.search(f".{name}.")
    return int(match.group(1)) if match else -1


def _other_base(adapter_dir: Path, recorded: str, base: Path, why: str) -> ModelError:
    return ModelError(
        f"The adapter in '{adapter_dir}' was trained on '{recorded}' and doesn't fit '{base}': {why}.",
        hint="Give the base model it was trained on with --model, or leave --adapter out.",
    )

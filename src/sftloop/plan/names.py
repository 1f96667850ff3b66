"""Models and GPUs by name: the usual published ones, from data files.

Knows names and sizes; computes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from sftloop.core.errors import UsageError, nearest

_UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12} | {
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?b)?", re.IGNORECASE)
_PARAMETERS = re.compile(r"(.*)-(\d+(?:\.\d+)?)([bm])(.*)")
_SIZE_IN_NAME = re.compile(r"-\d+(?:\.\d+)?[bm](?![a-z])", re.IGNORECASE)
_SUFFIXES = ("-instruct", "-chat", "-it", "-base", "-hf", "-v0.1", "-v0.2", "-2507", "-4k", "-128k")
"""What a published name may carry without being another architecture."""


@cache
def _data(file: str) -> dict[str, Any]:
    text = files("sftloop.plan").joinpath(file).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def families() -> Mapping[str, Mapping[str, Any]]:
    """Return `model_type` → what distinguishes that family."""
    content: Mapping[str, Mapping[str, Any]] = _data("architectures.json")["families"]
    return content


def model_names() -> tuple[str, ...]:
    """Return the models whose configuration comes with the planner."""
    return tuple(_data("architectures.json")["models"])


def find_config(name: str) -> dict[str, Any] | None:
    """Return a known model's configuration, or None."""
    known = known_name(name)
    models: dict[str, dict[str, Any]] = _data("architectures.json")["models"]
    return None if known is None else models[known]


def known_name(name: str) -> str | None:
    """Return the list's name of a model, or None.

    Args:
        name: as published, with or without organisation and endings such as `-Instruct`; case doesn't matter.
    """
    models = model_names()
    short = name.rsplit("/", 1)[-1].lower().removeprefix("meta-")
    while short not in models:
        ending = next((end for end in _SUFFIXES if short.endswith(end)), None)
        if ending is None:
            return None
        short = short.removesuffix(ending)
    return short


def smaller_model(name: str) -> str | None:
    """Return the next smaller known model of the same series, or None: `qwen2.5-7b` → `qwen2.5-3b`.

    It is spelled as the larger one is, so that a hub or the catalogue finds it where it finds the larger one:
    `Qwen/Qwen2.5-7B-Instruct` → `Qwen/Qwen2.5-3B-Instruct`.
    """
    series, _, _ = _series(name)
    sizes = {other: _series(other)[1] for other in model_names() if _series(other)[0] == series}
    own = _series(name)[1]
    below = {other: size for other, size in sizes.items() if size < own}
    if not below:
        return None
    found = max(below, key=lambda other: below[other])
    [size] = _SIZE_IN_NAME.findall(found)
    if Path(name).expanduser().exists():
        return found  # a folder's neighbour need not be there
    spelled = _SIZE_IN_NAME.sub(lambda old: size.upper() if old[0].isupper() else size, name)
    return spelled if known_name(spelled) == found else found


def _series(name: str) -> tuple[str, float, str]:
    """Split `qwen2.5-coder-7b` into its series, its size in billions, and what follows."""
    match = _PARAMETERS.fullmatch(known_name(name) or name)
    if match is None:
        return name, 0.0, ""
    return match[1], float(match[2]) * (1e-3 if match[3] == "m" else 1), match[4]


def gpu_name(text: str) -> str:
    """Return a GPU's name as the list has it: `NVIDIA A100_80GB` → `a100-80gb`."""
    return re.sub(r"[\s_]+", "-", text.strip().lower()).removeprefix("nvidia-")


def gpu_bytes(text: str) -> int:
    """Return the memory of a GPU that is given by name or as a size, in bytes.

    Args:
        text: `a100-80gb`, `H100`, `24GB` (10⁹), `24GiB` (2³⁰), or plain bytes.

    Raises:
        UsageError: neither; names the nearest GPU.
    """
    gpus: dict[str, int] = _data("gpus.json")
    name = gpu_name(text)
    if name in gpus:
        return gpus[name] * 2**20
    match = _SIZE.fullmatch(text.strip())
    if match and (size := int(float(match[1]) * _UNITS[(match[2] or "b").lower()])) > 0:
        return size
    raise UsageError(
        f"There is no GPU '{text}' in the planner's list, and it is no size such as 24GB or 24GiB.",
        hint=nearest(name, gpus),
    )

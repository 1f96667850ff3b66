"""The base model's size: larger first, shrink once the target is met.

Candidates and the question whether one fits are passed in. A plan never swaps the model on its own: it names the
larger one that would fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sftloop.plan.architecture import Architecture
from sftloop.plan.choice import Choice
from sftloop.plan.facts import Facts

ROW = "D1"
LARGEST = "largest"
"""In place of a model's name: the largest known one that fits."""


class Candidate(NamedTuple):
    """A model that could be trained instead."""

    name: str
    architecture: Architecture


Fits = Callable[[Architecture], bool]


def largest_that_fits(candidates: Sequence[Candidate], fits: Fits) -> Candidate | None:
    """Return the largest candidate whose training fits, or None."""
    by_size = sorted(candidates, key=lambda each: -each.architecture.parameters)
    return next((each for each in by_size if fits(each.architecture)), None)


def choose_base(name: str, facts: Facts, candidates: Sequence[Candidate], fits: Fits) -> Choice:
    """Return the base model with what to try beside it.

    Args:
        name: of the model that is planned for.
        facts: its shape, and the machine.
        candidates: other models for the scenario's language.
        fits: whether a training of a model fits, by adapters if need be.
    """
    if facts.architecture is not None and not fits(facts.architecture):
        return _too_large(name, largest_that_fits(candidates, fits))
    if facts.hardware.device == "cpu":
        return _choice(
            name,
            "On a CPU time sets the limit, not memory; with a GPU start larger and shrink once the target is met.",
            "CPU 上限制在时间而不在内存；有 GPU 时先用更大的模型，达标后再缩小。",
        )
    own = facts.parameters or 0
    larger = [each for each in candidates if each.architecture.parameters > own]
    found = largest_that_fits(larger, fits)
    if found is None:
        return _choice(
            name,
            "No larger known model fits here: start with it, and shrink once the target is met "
            "(sftloop plan shrink).",
            "这里放不下更大的已知模型：从它开始，达标后再缩小（sftloop plan shrink）。",
        )
    return _choice(
        name,
        f"You named it. {found.name} would fit too: start large (--model {found.name}), shrink once the target is "
        "met (sftloop plan shrink).",
        f"由你指定。{found.name} 也放得下：先用大的（--model {found.name}），"
        "达标后再缩小（sftloop plan shrink）。",
    )


def _too_large(name: str, found: Candidate | None) -> Choice:
    smaller = f"; the largest known model that does is {found.name} (--model {found.name})" if found else ""
    smaller_zh = f"；放得下的已知模型中最大的是 {found.name}（--model {found.name}）" if found else ""
    return _choice(
        name, f"It does not fit here, by any method{smaller}.", f"这里用任何方法都放不下{smaller_zh}。"
    )


def _choice(name: str, because: str, because_zh: str) -> Choice:
    return Choice(name="base_model", value=name, because=because, because_zh=because_zh, row=ROW)

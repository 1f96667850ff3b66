"""What chose the records, and what was trained to prove the choice, as names and values.

Lays saved settings out; a selection that was saved without them shows none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sftloop.report.fact import Fact
from sftloop.report.figures import Figures
from sftloop.report.training import method_name
from sftloop.report.wording import Words
from sftloop.report.wording.select_how_words import HowWords


def chosen_by(selection: Mapping[str, Any], words: HowWords) -> tuple[Fact, ...]:
    """Return the method, what texts were compared by, the target and the seed."""
    how = selection.get("how")
    if not how:
        return ()
    by = how.get("compared_by")
    compared = None if by is None else words.ngrams if by == "n-grams" else words.by_model.format(model=by)
    target = how.get("target")
    return _facts(
        (words.method, words.methods.get(how["method"], how["method"])),
        (words.compared, compared),
        (words.target, None if target is None else words.targets.get(target, target)),
        (words.seed, how.get("seed")),
    )


def trained_with(selection: Mapping[str, Any], shared: Words, words: HowWords) -> tuple[Fact, ...]:
    """Return the model, method and settings of a proof's trainings."""
    trained = selection.get("trained")
    if not trained:
        return ()
    return _facts(
        (words.model, trained["model"]),
        (words.training, method_name(trained["method"], shared)),
        (words.epochs, _plain(trained["epochs"])),
        (words.rate, _plain(trained["learning_rate"])),
        (words.batch, trained["batch_size"]),
        (words.seeds, Figures(shared.figures).names([str(seed) for seed in trained["seeds"]])),
        (words.measured_on, trained["measured_on"]),
    )


def _plain(number: float | None) -> str | None:
    return None if number is None else f"{number:g}"


def _facts(*lines: tuple[str, Any]) -> tuple[Fact, ...]:
    return tuple(Fact(name=name, value=str(value)) for name, value in lines if value is not None)

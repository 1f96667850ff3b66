"""The proposal: every setting of a training with its reason, and the memory it needs.

Readable from top to bottom: method, batch, rate, duration, the method's options, memory. What the user gave stays;
what depends on it follows. Knows neither files nor torch: facts and the methods' starting rates are passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sftloop.core.errors import UsageError
from sftloop.plan.architecture import Architecture
from sftloop.plan.base_model import Candidate, choose_base
from sftloop.plan.batch import choose_batch
from sftloop.plan.choice import Choice, given
from sftloop.plan.duration import choose_epochs, choose_patience
from sftloop.plan.facts import Facts
from sftloop.plan.fit import changed, fit, fits, micro_batch_tokens, setup_of, shares
from sftloop.plan.ladder import Fitted
from sftloop.plan.method import choose_method, owner
from sftloop.plan.method_options import choose_method_options
from sftloop.plan.notes import Note, notes_on
from sftloop.plan.rate import choose_rate, choose_schedule
from sftloop.scenario.choose import choose_training, put_over

Rate = Callable[[str], float]
"""Method → its starting rate for the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed, and whether it fits."""

    choices: tuple[Choice, ...]
    fitted: Fitted | None
    """Memory with the steps that were needed; None: shape or memory unknown."""
    notes: tuple[Note, ...]

    @property
    def training(self) -> dict[str, Any]:
        """Settings as the scenario's training section has them."""
        return {
            choice.name: choice.value
            for choice in self.choices
            if choice.name != "base_model" and choice.value is not None
        }


@dataclass(slots=True)
class _Picked:
    """Choices so far; what the user gave comes first."""

    asked: Mapping[str, Any]
    choices: dict[str, Choice] = field(default_factory=dict)

    def take(self, choice: Choice) -> Any:
        """Keep a choice, or the user's in its place; return the value."""
        name = choice.name
        kept = given(name, self.asked[name], choice.row) if name in self.asked else choice
        self.choices[name] = kept
        return kept.value

    def settings(self) -> dict[str, Any]:
        """Return the values."""
        return {name: choice.value for name, choice in self.choices.items()}


def propose(
    model: str,
    facts: Facts,
    asked: Mapping[str, Any],
    rate: Rate,
    *,
    own: Mapping[str, Any] | None = None,
    candidates: Sequence[Candidate] = (),
) -> Proposal:
    """Propose how to train.

    Args:
        model: the base model's name.
        facts: what is known.
        asked: settings that the user gave.
        rate: the methods' starting rates.
        own: the scenario's training section; what the proposal leaves open stays as it says.
        candidates: other base models for the scenario's language.

    Raises:
        UsageError: a setting that doesn't exist or can't be.
    """
    picked = _Picked(checked(asked))
    base = choose_base(model, facts, candidates, lambda shape: fits_somehow(facts, shape))
    method = picked.take(choose_method(facts, picked.asked, lambda name: fits(facts, _least(facts, name))))
    batch_size = picked.take(choose_batch(facts))
    picked.take(choose_rate(facts, method, batch_size, rate(method)))
    for choice in choose_schedule():
        picked.take(choice)
    epochs = picked.take(choose_epochs(facts, method, batch_size))
    picked.take(choose_patience(facts, epochs))
    for choice in choose_method_options(facts, method, picked.asked.get("rank")):
        picked.take(choice)
    picked.take(_optimizer())
    if shares(facts, put_over(own or {}, {**picked.settings(), **picked.asked})):
        picked.take(_micro_batch(facts))
    for name in sorted(picked.asked.keys() - picked.choices.keys()):
        picked.take(given(name, picked.asked[name], ""))
    fitted = _fit(facts, picked, own or {})
    return Proposal(
        choices=(base, *picked.choices.values()), fitted=fitted, notes=notes_on(facts, method, fitted)
    )


def checked(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user's settings with their types; an option of a method need not name the method.

    Raises:
        UsageError: a setting that doesn't exist or can't be.
    """
    owned = owner(asked)
    whole = {**({"method": owned} if owned else {}), **asked}
    values = choose_training(None, whole).model_dump()
    return {name: values[name] for name, value in asked.items() if value is not None}


def fits_somehow(facts: Facts, architecture: Architecture) -> bool:
    """Whether a base model can be trained here, by adapters if need be."""
    other = replace(facts, architecture=architecture)
    return any(fits(other, _least(other, method)) for method in ("lora", "qlora"))


def _least(facts: Facts, method: str) -> dict[str, Any]:
    """Return the settings that decide whether a method fits: the batch doesn't, micro-batches do."""
    return {"method": method, "batch_size": choose_batch(facts).value}


def _fit(facts: Facts, picked: _Picked, own: Mapping[str, Any]) -> Fitted | None:
    """Take the ladder's steps into the choices."""
    settings = put_over(own, picked.settings())
    try:
        fitted = fit(facts, settings, kept=picked.asked)
    except UsageError:
        return None  # the trainer may run it; the ledger has no formula for it
    if fitted is None or not fitted.fits:
        return fitted
    for name, value in changed(setup_of(facts, settings), fitted.setup).items():
        picked.choices[name] = Choice(
            name=name,
            value=value,
            because="Without it the training would not fit into memory.",
            because_zh="不这样设置，训练在内存里放不下。",
            row="I2",
        )
    return fitted


def _optimizer() -> Choice:
    return Choice(
        name="optimizer",
        value="adamw",
        because="Adam gets there fast; SGD with momentum behind it can gain a little (adam-then-momentum).",
        because_zh="Adam 收敛快；之后再换带动量的 SGD 可能略有提高（adam-then-momentum）。",
        row="J4",
    )


def _micro_batch(facts: Facts) -> Choice:
    return Choice(
        name="micro_batch_tokens",
        value=micro_batch_tokens(facts),
        because="Keeps this device busy; smaller ones need less memory and give the same result.",
        because_zh="足以让设备满负荷；调小只省内存，结果不变。",
        row="I2",
    )

"""The options that `train` and `run` share, and the plan they start from.

A flag wins over `--set`, both over the plan, the plan over the scenario's training section.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sftloop.scenario.training import METHOD_OPTIONS

if TYPE_CHECKING:
    from sftloop.plan.plan_file import PlanFile

_POSITIVE = click.FloatRange(min=0, min_open=True)


def _read(context: click.Context, _: click.Parameter, path: Path | None) -> PlanFile | None:
    """Read the plan before the other options, so that its model stands where no `--model` is given."""
    if path is None:
        return None
    from sftloop.plan.plan_file import read_plan

    plan = read_plan(path)
    if plan.model is not None:
        context.default_map = {**(context.default_map or {}), "model": plan.model}
    return plan


_OPTIONS = (
    click.option(
        "--plan",
        type=click.Path(path_type=Path),
        callback=_read,
        is_eager=True,
        metavar="FILE",
        help="A plan of `sftloop plan`: over the scenario's training section, under every option here.",
    ),
    click.option("--method", metavar="NAME", help=f"{', '.join(METHOD_OPTIONS)}; lora by default."),
    click.option("--epochs", type=_POSITIVE, help="Passes over the data."),
    click.option("--learning-rate", type=_POSITIVE),
    click.option("--batch-size", type=click.IntRange(1), help="Records per optimizer step."),
    click.option("--rank", type=click.IntRange(1), help="LoRA's rank."),
    click.option("--alpha", type=_POSITIVE, help="LoRA's scale is alpha / rank."),
    click.option(
        "--micro-batch-tokens",
        type=click.IntRange(1),
        help="Suffix tokens per forward pass: bounds memory, not the result.",
    ),
    click.option(
        "--patience", type=click.IntRange(1), help="Stop after so many epochs without a better score."
    ),
    click.option(
        "--no-shared-prefix",
        "shared_prefix",
        flag_value=False,
        default=None,
        type=bool,
        help="Take the ordinary path, record by record in full.",
    ),
    click.option(
        "--set",
        "pairs",
        multiple=True,
        metavar="KEY=VALUE",
        help="Any other key of the scenario's training section (repeatable).",
    ),
    click.option("--seed", type=click.IntRange(0), help="For weights, order and bootstrap; 0 by default."),
)


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def chosen(values: dict[str, Any]) -> dict[str, Any]:
    """Return what plan and options say as keys of the training section.

    Raises:
        UsageError: a malformed `--set`, or a plan of another scenario than the command's.
    """
    from sftloop.scenario import parse_settings, put_over

    plan: PlanFile | None = values.pop("plan")
    pairs = values.pop("pairs")
    asked = {**parse_settings(pairs), **{key: value for key, value in values.items() if value is not None}}
    if plan is None:
        return asked
    _check(plan, click.get_current_context().params)
    return put_over(plan.training, asked)


def _check(plan: PlanFile, given: dict[str, Any]) -> None:
    """Refuse another scenario's plan; say what else has changed since the plan was made."""
    from sftloop.core.files import sha256_file
    from sftloop.core.progress import say
    from sftloop.records import split_path
    from sftloop.scenario import load_scenario

    scenario = load_scenario(given["scenario"])
    plan.check_scenario(scenario.name)
    model = given.get("model") or scenario.model
    if plan.model not in {None, model}:
        say(f"The plan was made for {plan.model}; its rate and micro-batch may not suit {model}.")
    elif plan.model is not None and model != scenario.model:
        say(f"Model: {model}, from the plan; the scenario names {scenario.model}.")
    file = split_path(scenario, "train")
    if "train" in plan.inputs and file.is_file() and sha256_file(file) != plan.inputs["train"]:
        say("The training records have changed since the plan was made; `sftloop plan` makes it anew.")

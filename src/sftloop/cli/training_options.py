"""The options that `train` and `run` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from sftloop.scenario.training import METHOD_OPTIONS

_POSITIVE = click.FloatRange(min=0, min_open=True)

_OPTIONS = (
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
    """Return what the options say as keys of the training section; a flag wins over `--set`.

    Raises:
        UsageError: a malformed `--set`.
    """
    from sftloop.scenario import parse_settings

    pairs = values.pop("pairs")
    return {**parse_settings(pairs), **{key: value for key, value in values.items() if value is not None}}

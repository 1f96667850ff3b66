"""The options that `train` and `run` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option("--method", metavar="NAME", help="lora (default) or full."),
    click.option("--epochs", type=click.FloatRange(min=0, min_open=True), help="Passes over the data."),
    click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True)),
    click.option("--batch-size", type=click.IntRange(1), help="Records per optimizer step."),
    click.option("--rank", type=click.IntRange(1), help="LoRA's rank."),
    click.option("--alpha", type=click.IntRange(1), help="LoRA's scale is alpha / rank."),
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
        default=True,
        type=bool,
        help="Take the ordinary path, record by record in full.",
    ),
    click.option("--seed", type=click.IntRange(0), help="For weights, order and bootstrap; 0 by default."),
)


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command

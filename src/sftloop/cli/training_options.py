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
    click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), help="On LoRA's input."),
    click.option("--targets", metavar="REGEX", help="Layers with LoRA; all-linear by default."),
    click.option("--rslora", is_flag=True, default=None, help="Scale LoRA by alpha / √rank."),
    click.option("--dora", is_flag=True, default=None, help="LoRA with lengths and directions apart."),
    click.option("--ratio", type=_POSITIVE, help="lora+: learning rate of B over that of A."),
    click.option("--period", type=_POSITIVE, help="plora: epochs until the adapter is folded in."),
    click.option("--virtual-tokens", type=click.IntRange(1), help="ptuning, prefix, prompt: how many."),
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

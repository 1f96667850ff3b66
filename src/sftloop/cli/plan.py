"""`sftloop plan`: what a training needs and how it should run, before it runs.

`sftloop plan SCENARIO` is short for `sftloop plan propose SCENARIO`.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

import click

_PARTS = {
    "propose": ("plan_propose", "Method, batch, rate and the rest for a scenario, each with its reason."),
    "search": ("plan_search", "Search for better hyper-parameters within so many minutes."),
    "learning-curve": ("plan_learning_curve", "Which method wins now, and with more data."),
    "shrink": ("plan_shrink", "The smallest model that meets the scenario's targets."),
    "time": ("plan_time", "Forecast how long a run will take here, from a pilot."),
    "memory": ("plan_memory", "Foresee the memory of a training, line by line."),
}
"""Subcommand → module with its `command`, imported when it is called; and one line of help."""
_DEFAULT = "propose"


class _Parts(click.Group):
    """Subcommands that are imported when they are called; without one of them, `propose`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*_PARTS, *ctx.help_option_names}:
            _refuse_near_name(args[0], ctx)
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_PARTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _PARTS:
            return None
        command: click.Command = import_module(f"sftloop.cli.{_PARTS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Parts"):
            formatter.write_dl([(name, text) for name, (_, text) in _PARTS.items()])


def _refuse_near_name(word: str, context: click.Context) -> None:
    """Say that a subcommand is misspelled, rather than that there is no such scenario."""
    near = get_close_matches(word, _PARTS, n=1, cutoff=0.7)
    if near and not Path(word).exists():
        raise click.UsageError(f"There is no scenario '{word}'. Did you mean 'plan {near[0]}'?", context)


@click.group("plan", cls=_Parts, subcommand_metavar="SCENARIO | PART …")
def command() -> None:
    """Propose how to train a scenario, and foresee what that needs.

    `sftloop plan SCENARIO` proposes method, batch, rate and the rest, checks that it fits, and writes a plan for
    `train` and `run`. The parts below answer one question each.
    """

"""`sftloop plan SCENARIO`, in full `sftloop plan propose SCENARIO`."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import Any

import click

from sftloop.cli import options
from sftloop.cli.training_options import chosen, training_options
from sftloop.core.progress import clock

_NARROWEST, _WIDEST = 80, 110
_LONGEST_VALUE = 28


@click.command("propose")
@options.scenario_argument
@click.option("--model", metavar="NAME", help="Instead of the scenario's; 'largest': the largest that fits.")
@click.option(
    "--gpu", metavar="NAME|BYTES", help="Plan for this GPU instead of this machine: rtx-4090, 24GB …"
)
@options.task_option
@options.limit_option
@training_options
@options.out_option
@options.skip_bad_option
@options.json_option
def command(
    scenario: Path,
    model: str | None,
    gpu: str | None,
    tasks: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    skip_bad: bool,
    as_json: bool,
    **choices: Any,
) -> None:
    """Propose how to train a scenario, each setting with its reason, and write it as a plan.

    Settings that you give stay, and the others follow them. `train` and `run` take the plan with --plan; what you
    give there wins over the plan, and the plan over the scenario's training section. Exit code 1 says that the
    training doesn't fit into memory.
    """
    from sftloop.workflow.plan_propose import plan_scenario

    plan = plan_scenario(
        scenario,
        chosen(choices),
        model=model,
        gpu=gpu,
        tasks=tasks or None,
        limit=limit,
        out=out,
        skip_bad=skip_bad,
    )
    if as_json:
        options.print_json(plan)
    else:
        click.echo("\n".join(_lines(plan)))
    raise click.exceptions.Exit(1 if plan["memory"] and not plan["memory"]["fits"] else 0)


def _lines(plan: dict[str, Any]) -> list[str]:
    facts = plan["facts"]
    machine, tokens = facts["hardware"], facts["tokens"]
    about = "" if tokens["counted"] else "about "
    checked = f"{facts['validation_records']:,} for validation"
    memory = f", {machine['memory_bytes'] / 1e9:,.1f} GB" if machine["memory_bytes"] else ""
    return [
        f"{plan['scenario']}: {facts['records_total']:,} training records, {checked}; "
        f"{about}{tokens['prefix_mean']:,.0f} shared tokens, {tokens['own']:,.0f} of each record's own",
        f"{plan['model']} on {machine['name']} ({machine['cores']} cores{memory}, {machine['precision']})",
        "",
        *_table(plan["choices"]),
        "",
        *_memory(plan["memory"]),
        _time(plan["time"]),
        *(textwrap.fill(f"Note: {note['text']}", _width()) for note in plan["notes"]),
        "",
        f"Plan: {plan['plan']}",
        f"To measure its time: {plan['measure']}",
        f"Next: {plan['command']}",
    ]


def _table(choices: list[dict[str, Any]]) -> list[str]:
    rows = [(choice["name"], _value(choice["value"]), choice["row"], _reason(choice)) for choice in choices]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lead = sum(widths) + 6
    lines = []
    for *cells, reason in rows:
        first, *more = textwrap.wrap(reason, _width() - lead)
        head = "  ".join(cell.ljust(size) for cell, size in zip(cells, widths, strict=True))
        lines += [f"{head}  {first}".rstrip(), *(" " * lead + line for line in more)]
    return lines


def _width() -> int:
    return min(_WIDEST, max(_NARROWEST, shutil.get_terminal_size((100, 24)).columns))


def _reason(choice: dict[str, Any]) -> str:
    said = choice["scenario_says"]
    because: str = choice["because"]
    return because if said is None else f"{because} (scenario.yaml: {_value(said)})"


def _value(value: Any) -> str:
    if value is None:
        return "–"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"…{text[1 - _LONGEST_VALUE :]}"


def _memory(memory: dict[str, Any] | None) -> list[str]:
    if memory is None:
        return ["Memory: unknown"]
    verdict = "fits" if memory["fits"] else "does not fit"
    of = f"{memory['peak_allocated'] / 1e9:,.2f} of {memory['memory_bytes'] / 1e9:,.1f} GB"
    return [
        f"Memory: {verdict}, {of} at its fullest",
        *(f"  {rung['step']}: {rung['costs']}" for rung in memory["ladder"]),
    ]


def _time(time: dict[str, Any] | None) -> str:
    if time is None:
        return "Time: no earlier training tells"
    train = time["train"]
    return (
        f"Time: training about {clock(train['seconds'])} ({clock(train['low'])} to {clock(train['high'])}), from "
        f"{len(time['from'])} earlier"
    )

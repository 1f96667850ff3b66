"""Options that several verbs share, and the printing of results."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
_OUTPUT = "sftloop.output"

scenario_argument = click.argument("scenario", type=click.Path(path_type=Path), metavar="SCENARIO")
model_option = click.option("--model", metavar="NAME", help="Instead of the scenario's model.")
adapter_option = click.option(
    "--adapter",
    type=click.Path(path_type=Path, file_okay=False),
    help="What was trained: a run, an adapter, or the weights of a whole model.",
)
task_option = click.option(
    "--task", "tasks", multiple=True, metavar="TASK", help="Only this task (repeatable)."
)
out_option = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="The run's directory."
)
limit_option = click.option("--limit", type=click.IntRange(1), help="At most so many records per task.")
seed_option = click.option("--seed", type=click.IntRange(0), default=0, show_default=True)


def _keep_output_for_json(context: click.Context, _: click.Parameter, as_json: bool) -> bool:
    """Send what libraries print while the command runs to standard error: `print_json` has the output alone."""
    if as_json:
        context.meta[_OUTPUT] = sys.stdout
        context.with_resource(redirect_stdout(sys.stderr))
    return as_json


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    callback=_keep_output_for_json,
    help="Print one JSON object on standard output.",
)
skip_bad_option = click.option(
    "--skip-bad", is_flag=True, help="Set bad rows aside in a rejects file and go on."
)


def service_options(command: F) -> F:
    """Add what models behind an API (`MODEL@URL`) may cost and where their keys are."""
    price = click.option(
        "--price",
        "prices",
        multiple=True,
        metavar="MODEL=IN,OUT[,CUR]",
        help="What a million prompt and answer tokens of a model behind an API cost.",
    )
    key = click.option(
        "--key-variable",
        "keys",
        multiple=True,
        metavar="MODEL=VARIABLE",
        help="The environment variable with such a model's key, by default OPENAI_API_KEY.",
    )
    budget = click.option(
        "--budget", type=click.FloatRange(0, min_open=True), help="The most that each API may cost."
    )
    return price(key(budget(command)))


def print_json(value: dict[str, Any]) -> None:
    """Print exactly one JSON object; characters that the output's encoding lacks as JSON's escapes."""
    output = click.get_current_context().meta[_OUTPUT]
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(output.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value)
    click.echo(text, file=output)


def p_value(p: float) -> str:
    """Return `p 0.032`, or `p < 0.001` where it is smaller."""
    return f"p {p:.3f}" if p >= 0.001 else "p < 0.001"


def percent(entry: dict[str, Any] | None) -> str:
    """Return a metric with its interval as `0.83 [0.77, 0.88]`."""
    if entry is None or entry.get("value") is None:
        return "–"
    if entry.get("low") is None:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"

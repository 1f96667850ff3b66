"""The `format` block of a scenario file, put in or replaced as text: comments and every other line stay.

Knows YAML's lines; doesn't write files and doesn't judge formats.
"""

from __future__ import annotations

from typing import Any

import yaml

from sftloop.core.errors import ScenarioError
from sftloop.scenario.prompt_format import Format
from sftloop.scenario.schema import Scenario
from sftloop.scenario.yaml_places import end_of, newline_of
from sftloop.scenario.yaml_source import parse_yaml

_REPLACED = ("format", "prompt")
"""Top keys that the block stands for."""


def shortest(format: Format) -> dict[str, str]:
    """Return what a `format` block has to say: everything that isn't the default."""
    plain = Format(order="input_first")
    return {
        key: str(value)
        for key, value in format.model_dump(exclude_none=True).items()
        if value != getattr(plain, key)
    }


def block_text(format: Format) -> str:
    """Return the block as a line of YAML without its end; empty where the default is meant."""
    said = shortest(format)
    return f"format: {{{', '.join(f'{key}: {value}' for key, value in said.items())}}}" if said else ""


def put_format(text: str, format: Format, where: str) -> str:
    """Return a scenario file's text with another format in place of its `format` and `prompt` blocks.

    Args:
        text: the whole file.
        format: what it shall say.
        where: the file's name, for messages.

    Raises:
        ScenarioError: the file's shape doesn't let lines be put in; nothing is lost, edit it by hand.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style or not root.value:
        raise _by_hand(where, format)
    newline, block = newline_of(text), block_text(format)
    new = text if text.endswith("\n") else text + newline
    keys = [str(key.value) for key, _ in root.value]
    spans = {str(key.value): (key.start_mark.index, _below(new, value)) for key, value in root.value}
    at = next((spans[key][0] for key in _REPLACED if key in spans), None)
    if at is None:
        before = keys[keys.index("tasks") - 1] if "tasks" in keys[1:] else keys[-1]
        at = spans[before][1]
    gone = [(*spans[key], "") for key in _REPLACED if key in spans]
    for start, end, written in sorted([*gone, (at, at, block and block + newline)], reverse=True):
        new = new[:start] + written + new[end:]
    _require_only_that(text, new, format, where)
    return new


def _below(text: str, node: yaml.Node) -> int:
    """Return where the line below a node starts; comments and gaps behind a block belong to what follows."""
    return text.index("\n", end_of(text, node)) + 1


def _require_only_that(old: str, new: str, format: Format, where: str) -> None:
    """Make sure that the new text says what it should and nothing else changed."""
    try:
        before: dict[str, Any] = dict(parse_yaml(old, where).data)
        after = dict(parse_yaml(new, where).data)
        same = after.get("format") == (shortest(format) or None)
        same = same and Scenario.model_validate(after).format == Format.model_validate(shortest(format))
    except (ScenarioError, ValueError):
        raise _by_hand(where, format) from None
    for key in _REPLACED:
        before.pop(key, None)
        after.pop(key, None)
    if not same or before != after:
        raise _by_hand(where, format)


def _by_hand(where: str, format: Format) -> ScenarioError:
    line = block_text(format) or "no `format` and no `prompt`"
    return ScenarioError(
        f"{where}: the format can't be put in without touching other lines.",
        hint=f"Write it yourself: {line}",
    )

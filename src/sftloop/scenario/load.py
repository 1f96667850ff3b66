"""scenario.yaml in, `Scenario` out, or one message that names file, line, value, rule and the nearest key.

Reads the scenario file alone: no data files, no model. Doesn't judge how good the scenario is; that is
`lint.py`'s work.
"""

from __future__ import annotations

import os
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, Union, get_args, get_origin

import pydantic
from pydantic import BaseModel

from sftloop.core.errors import ScenarioError, nearest
from sftloop.core.files import read_text
from sftloop.scenario.schema import MisplacedError, Scenario, Task
from sftloop.scenario.yaml_source import YamlSource, parse_yaml

SCENARIO_FILE = "scenario.yaml"
_MOST_MESSAGES = 8
_RULES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping, 'name: …' lines below it",
    "model_type": "a mapping, 'key: value' lines below it",
    "list_type": "a list, '- …' lines below it or […]",
    "tuple_type": "a list of two numbers, [low, high]",
    "string_pattern_mismatch": "letters, digits, '_', '-' and '.', starting with a letter or digit",
    "string_too_short": "text, not empty",
}
_NAME_RULE = _RULES["string_pattern_mismatch"]
_LABEL_RULE = "one line of text without spaces at its ends"


def load_scenario(path: Path | str) -> Scenario:
    """Load a scenario from its directory or from the file itself; a model named `./…` or `../…` lies beside it.

    Raises:
        ScenarioError: no such file, malformed YAML, an unknown key, a wrong value, a contradiction; up to
            eight problems at once, one per line, each as `file:line: what, value, rule, nearest key`.
        DataError: the file is empty or not UTF-8.
    """
    file = _scenario_file(Path(path))
    source = parse_yaml(read_text(file, "the scenario"), str(file))
    if not isinstance(source.data, dict):
        raise ScenarioError(
            f"{file}:{source.line(())}: a scenario is a mapping, 'name: …' and so on, "
            f"not {_show(source.data)}.",
            hint="Write an ASCII colon and a space behind each key.",
        )
    try:
        scenario = Scenario.model_validate(source.data)
    except pydantic.ValidationError as error:
        raise _explained(error, source, file) from None
    scenario = scenario.model_copy(update={"model": _model_beside(file, scenario.model)})
    return scenario.located(file, {path: source.line(path) for path in _parts(scenario)})


def _model_beside(file: Path, model: str) -> str:
    """Return a model that is named relative to the scenario's file as a path that holds in any directory."""
    return os.path.abspath(file.parent / model) if model.startswith(("./", "../")) else model


def _scenario_file(path: Path) -> Path:
    if not path.exists():
        raise ScenarioError(f"'{path}' does not exist.", hint="Give the scenario's directory.")
    if path.is_dir():
        file = path / SCENARIO_FILE
        if not file.is_file():
            raise ScenarioError(
                f"'{path}' holds no {SCENARIO_FILE}.",
                hint=f"Give the scenario's directory, or start one with `sftloop init {quote(str(path))}`.",
            )
        return file
    return path


def _parts(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    """Yield the path of every part that a finding may point at."""
    for top in Scenario.model_fields:
        yield (top,)
    for name, task in scenario.tasks.items():
        yield ("tasks", name)
        for part in Task.model_fields:
            yield ("tasks", name, part)
        for group in ("labels", "fields"):
            for key in getattr(task, group):
                yield ("tasks", name, group, key)


def _explained(error: pydantic.ValidationError, source: YamlSource, file: Path) -> ScenarioError:
    messages: list[tuple[int, str, str]] = []
    for detail in error.errors(include_url=False):
        path, text, hint = explain(detail)
        messages.append((source.line(path), text, hint))
    messages.sort(key=lambda message: message[0])
    if len(messages) == 1:
        line, text, hint = messages[0]
        return ScenarioError(f"{file}:{line}: {text}", hint=hint)
    lines = [f"{file}:{line}: {text} {hint}".strip() for line, text, hint in messages[:_MOST_MESSAGES]]
    if len(messages) > _MOST_MESSAGES:
        lines.append(f"… and {len(messages) - _MOST_MESSAGES} more.")
    return ScenarioError("\n".join(lines))


def explain(detail: Any) -> tuple[tuple[str | int, ...], str, str]:
    """Turn one of pydantic's errors into (path, what is wrong, next step)."""
    path: tuple[str | int, ...] = tuple(detail["loc"])
    kind, value = detail["type"], detail["input"]
    if path and path[-1] == "[key]":
        rule = _NAME_RULE if kind == "string_pattern_mismatch" else _LABEL_RULE
        return path[:-1], f"the name '{value}' in {_name(path[:-2])} must be {rule}.", ""
    if kind == "extra_forbidden":
        return (
            path,
            f"unknown key '{path[-1]}' in {_name(path[:-1])}.",
            _spaced(path[-1], value) or nearest(str(path[-1]), _keys(path[:-1])),
        )
    if kind == "missing":
        return path[:-1], *_missing(path)
    if kind == "literal_error":
        text = f"{_name(path)} is {_show(value)}; it must be {detail['ctx']['expected']}."
        return path, text, close if (close := nearest(str(value), _literals(path))).startswith("Did") else ""
    if kind == "value_error":
        cause = detail["ctx"]["error"]
        if isinstance(cause, MisplacedError):
            path += cause.path
        return path, f"in {_name(path)}: {cause}{'' if str(cause).endswith(('?', '.')) else '.'}", ""
    rule = _RULES.get(kind) or detail["msg"].removeprefix("Input should be ").replace("Input should", "")
    if kind == "too_short":
        rule = "filled with at least one entry"
    if kind == "too_long":
        rule = f"at most {detail['ctx']['max_length']} entries long"
    return (
        path,
        f"{_name(path)} is {_show(value)}; it must be {rule}.",
        _spaced(path[-1], value) if path else "",
    )


def _spaced(key: str | int, value: Any) -> str:
    """Return the next step where YAML took `{key:value}` for one key without a value; else nothing."""
    name, colon, rest = str(key).partition(":")
    return (
        f"YAML wants a space behind the colon: '{name}: {rest}'." if colon and rest and value is None else ""
    )


def _missing(path: tuple[str | int, ...]) -> tuple[str, str]:
    if isinstance(path[-1], int):
        return f"{_name(path[:-1])} has {path[-1]} entries; it must have {path[-1] + 1}.", ""
    options = _literals(path)
    rule = f" (one of {', '.join(options)})" if options else ""
    return f"{_name(path[:-1])} lacks the key '{path[-1]}'{rule}.", f"Add '{path[-1]}: …'."


def _name(path: Sequence[str | int]) -> str:
    return f"'{'.'.join(str(step) for step in path)}'" if path else "the scenario"


def _show(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = str(value)
    return f"'{text if len(text) <= 60 else text[:57] + '…'}'"


def _annotation(path: Sequence[str | int]) -> Any:
    """Return the annotated type of the part at `path` of a scenario."""
    current: Any = Scenario
    for step in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            fields = {info.validation_alias or name: info for name, info in current.model_fields.items()}
            current = _plain_type(fields[step].annotation) if step in fields else None
        else:
            arguments = get_args(current)
            current = _plain_type(arguments[-1]) if arguments else None
    return current


def _plain_type(annotation: Any) -> Any:
    """Drop `| None` and `Annotated` around a type."""
    if hasattr(annotation, "__metadata__"):
        return _plain_type(annotation.__origin__)
    if get_origin(annotation) in (Union, types.UnionType):
        return _plain_type(next(part for part in get_args(annotation) if part is not types.NoneType))
    return annotation


def _keys(path: Sequence[str | int]) -> list[str]:
    model = _annotation(path)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    hidden = {"name"} if model is Task else set()
    return [
        str(info.validation_alias or name) for name, info in model.model_fields.items() if name not in hidden
    ]


def _literals(path: Sequence[str | int]) -> list[str]:
    return [option for option in get_args(_annotation(path)) if isinstance(option, str)]

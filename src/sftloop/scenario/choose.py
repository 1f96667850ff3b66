"""The training section as a run uses it: the scenario's, with what the command line says instead.

Knows both; doesn't know the trainer's own defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pydantic
import yaml

from sftloop.core.errors import UsageError, nearest
from sftloop.scenario.load import explain
from sftloop.scenario.training import ALL_METHOD_OPTIONS, METHOD_OPTIONS, Training


def choose_training(given: Training | None, chosen: Mapping[str, Any]) -> Training:
    """Return the scenario's training section with other choices put over it.

    Where another method is chosen, the options and the rate that the scenario gives its own stay behind.

    Args:
        given: the scenario's section.
        chosen: keys of the section and their values; None counts as not given.

    Raises:
        UsageError: an unknown key or method, a value out of range, an option of another method.
    """
    own = given.model_dump(exclude_none=True, exclude_unset=True) if given else {}
    try:
        return Training.model_validate(put_over(own, chosen))
    except pydantic.ValidationError as error:
        detail = error.errors(include_url=False)[0]
        _, text, hint = explain({**detail, "loc": ("training", *detail["loc"])})
        raise UsageError(text[0].upper() + text[1:], hint=hint) from None


def put_over(own: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with others put over them.

    A method that changes leaves its options and its rate behind, an optimizer its moment of switching.

    Raises:
        UsageError: an unknown method.
    """
    asked = {key: value for key, value in chosen.items() if value is not None}
    method = asked.get("method")
    if method is not None and method not in METHOD_OPTIONS:
        raise UsageError(f"There is no method '{method}'. {nearest(str(method), METHOD_OPTIONS)}")
    foreign: set[str] = set()
    if method is not None and method != own.get("method", "lora"):
        foreign = {*ALL_METHOD_OPTIONS, "learning_rate"} - set(METHOD_OPTIONS[method])
    if asked.get("optimizer") not in {None, own.get("optimizer")}:
        foreign.add("switch_at")
    return {**{key: value for key, value in own.items() if key not in foreign}, **asked}


def parse_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Read `key=value` pairs of the command line; a value in brackets or braces is read as YAML.

    Raises:
        UsageError: a pair without `=`, or one that is no YAML.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(
                f"--set takes KEY=VALUE, not '{pair}'.", hint="For instance: --set weight_decay=0.01"
            )
        try:
            found[key.strip()] = yaml.safe_load(value) if value.lstrip()[:1] in {"{", "["} else value.strip()
        except yaml.YAMLError:
            raise UsageError(f"The value of '{key}' in --set is no YAML: '{value}'.") from None
    return found

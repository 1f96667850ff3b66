"""The families of traps that suit a label, from its definition and its `not` rules.

Reads `trap_templates.json`, which is data in both languages: what each family is about, which words in a scenario
call for it, and its texts. Makes no records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sftloop.diagnose.claims import positive_labels
from sftloop.scenario import Language, Task

Both = Mapping[Language, str]


class TrapFamily(BaseModel):
    """One way to tempt a model into a claim."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    way: Literal["wrap", "swap", "plant"]
    """`wrap`: put the evidence into another mouth; `swap`: give it to another person; `plant`: add a tempting
    sentence to a record that claims nothing."""
    title: Both
    rule: Both
    """Pattern of the `not` rules that this family tests."""
    about: Both
    """Pattern of the definitions and instructions that it suits."""
    pattern: Both | None = None
    """What `swap` looks for."""
    texts: Mapping[Language, tuple[str, ...]]
    """`{text}` is the wrapped text, `{1}` what the pattern's first group matched."""
    reason: Both
    """Why the trap claims nothing, as an answer's reason."""


@cache
def trap_families() -> tuple[TrapFamily, ...]:
    """Return every family there is."""
    text = files("sftloop.diagnose").joinpath("trap_templates.json").read_text(encoding="utf-8")
    return tuple(TrapFamily.model_validate(row) for row in json.loads(text))


def families_for(task: Task, language: Language) -> dict[str, tuple[str, ...]]:
    """Return family → the labels it is a trap for; only families that suit the task.

    A family suits a label when its subject is named in the label's definition or rules, or in the instruction.
    """
    found = {}
    for family in trap_families():
        about = re.compile(family.about[language], re.I)
        labels = tuple(
            name
            for name in positive_labels(task)
            if about.search("\n".join([task.instruction, task.labels[name].means, *task.labels[name].not_]))
        )
        if labels:
            found[family.name] = labels
    return found


def rules_of(family: TrapFamily, task: Task, language: Language) -> tuple[str, ...]:
    """Return the scenario's `not` rules that a family tests."""
    pattern = re.compile(family.rule[language], re.I)
    rules = (text for name in positive_labels(task) for text in task.labels[name].not_)
    return tuple(dict.fromkeys(text for text in rules if pattern.search(text)))


def untested_rules(task: Task, language: Language) -> list[tuple[str, str]]:
    """Return (label, rule) of the `not` rules that no family tests."""
    suited = families_for(task, language)
    patterns = [re.compile(f.rule[language], re.I) for f in trap_families() if f.name in suited]
    return [
        (name, text)
        for name in positive_labels(task)
        for text in task.labels[name].not_
        if not any(pattern.search(text) for pattern in patterns)
    ]

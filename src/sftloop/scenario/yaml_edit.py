"""One change of a label or field, made in the text of scenario.yaml: every other byte stays.

Finds the place by the positions that the YAML parser gives, writes the new text in the style that stands there,
and checks that reading the file again differs in that one thing alone. Doesn't judge what is written.
"""

from __future__ import annotations

import copy
import json
import textwrap
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, Literal

import yaml

from sftloop.core.errors import ScenarioError
from sftloop.scenario.yaml_places import BLOCK_STYLES, end_of, is_flow, newline_of, style_of
from sftloop.scenario.yaml_source import parse_yaml

ChangedPart = Literal["means", "not", "examples"]
"""`means` is replaced; to `not` and `examples` one entry is added."""
_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing to change: a definition, a rule of what doesn't count, or an example."""

    task: str
    name: str
    """The label's, or the field's where the task extracts."""
    part: ChangedPart
    text: str
    """One line."""
    group: Literal["labels", "fields"] = "labels"

    @property
    def path(self) -> tuple[str, ...]:
        """Where the label or field stands in the document."""
        return ("tasks", self.task, self.group, self.name)


def apply_change(text: str, change: Change) -> str:
    """Return the document with the change made.

    Args:
        text: a scenario.yaml.
        change: what to write; its text is one line without spaces at its ends.

    Raises:
        ScenarioError: there is no such label or field, or it can't be changed without changing another part (an
            anchor that several labels share).
    """
    place = _Place.find(text, change)
    start, end, written = place.edit(change)
    changed = text[:start] + written + text[end:]
    _require_only(text, changed, change)
    return changed


def scenario_diff(before: str, after: str, name: str = "scenario.yaml") -> str:
    """Return the unified diff of two versions of a file, empty where they are equal."""
    rows = unified_diff(_lines(before), _lines(after), f"a/{name}", f"b/{name}")
    return "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows)


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The node of a label or field, and the text around it."""

    text: str
    node: yaml.Node
    flow: bool
    """Whether it stands inside braces or brackets."""
    column: int
    """Of its key."""

    @classmethod
    def find(cls, text: str, change: Change) -> _Place:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        flow, column = False, 0
        for step in change.path:
            pair = _pair(node, step)
            if node is None or pair is None:
                raise ScenarioError(f"scenario.yaml has no '{'.'.join(change.path)}'.")
            flow = flow or is_flow(node)
            column, node = pair[0].start_mark.column, pair[1]
        assert node is not None
        return cls(text=text, node=node, flow=flow, column=column)

    def edit(self, change: Change) -> tuple[int, int, str]:
        """Return where the text is replaced, from and to, and what stands there then."""
        node = self.node
        if isinstance(node, yaml.ScalarNode):
            if change.part == "means":
                return self._scalar(node, change.text, self.column, self.flow)
            return self._from_bare(node, change)
        pair = _pair(node, change.part)
        inside = self.flow or is_flow(node)
        if pair is None:
            return self._new_entry(node, change, inside)
        if change.part == "means":
            return self._scalar(pair[1], change.text, pair[0].start_mark.column, inside)
        return self._append(pair[1], change.text, inside)

    def _scalar(self, node: yaml.Node, value: str, column: int, flow: bool) -> tuple[int, int, str]:
        start, end = node.start_mark.index, end_of(self.text, node)
        if style_of(node) in BLOCK_STYLES:
            lines = textwrap.wrap(value, _WIDTH - column, break_long_words=False, break_on_hyphens=False)
            indent = newline_of(self.text) + " " * (column + 2)
            return start, end, ">-" + "".join(f"{indent}{line}" for line in lines)
        space = " " if start == end and self.text[start - 1 : start] != " " else ""
        return start, end, space + _scalar_text(value, style_of(node), "{k: %s}" if flow else "k: %s")

    def _from_bare(self, node: yaml.ScalarNode, change: Change) -> tuple[int, int, str]:
        """Turn `label: definition` into a mapping that holds the definition and the new list."""
        start, end = node.start_mark.index, end_of(self.text, node)
        own = f"means: {_scalar_text(node.value, style_of(node), '{k: %s}')}, " if node.value else ""
        space = " " if start == end and self.text[start - 1 : start] != " " else ""
        item = _scalar_text(change.text, "", "[%s]")
        return start, end, f"{space}{{{own}{change.part}: [{item}]}}"

    def _new_entry(self, node: yaml.Node, change: Change, flow: bool) -> tuple[int, int, str]:
        """Add a key to a mapping: `means` in front, lists behind."""
        item = _scalar_text(change.text, "", "[%s]")
        first = change.part == "means"
        if first:
            entry = "means: " + _scalar_text(change.text, "", "{k: %s}" if flow else "k: %s")
        else:
            entry = f"{change.part}: [{item}]"
        if not node.value:
            at = node.start_mark.index + 1
            return at, at, entry
        if first:
            at = node.value[0][0].start_mark.index
            behind = ", " if is_flow(node) else newline_of(self.text) + " " * node.start_mark.column
            return at, at, entry + behind
        if is_flow(node):
            at = end_of(self.text, node.value[-1][1])
            return at, at, f", {entry}"
        return self._new_line(node, " " * node.value[0][0].start_mark.column + entry)

    def _append(self, node: yaml.Node, value: str, flow: bool) -> tuple[int, int, str]:
        """Add an item to a list that may be empty or missing."""
        if isinstance(node, yaml.ScalarNode):
            start, end = node.start_mark.index, end_of(self.text, node)
            space = " " if start == end and self.text[start - 1 : start] != " " else ""
            item = _scalar_text(value, "", "[%s]")
            return start, end, f"{space}[{item}]"
        if is_flow(node) or flow:
            item = _scalar_text(value, "", "[%s]")
            at = end_of(self.text, node.value[-1]) if node.value else node.start_mark.index + 1
            return at, at, f", {item}" if node.value else item
        return self._new_line(node, " " * node.start_mark.column + "- " + _scalar_text(value, "", "- %s"))

    def _new_line(self, node: yaml.Node, line: str) -> tuple[int, int, str]:
        """Put a line below the last one of a block, behind a comment that may end it."""
        at = self.text.find("\n", end_of(self.text, node))
        if at < 0:
            return len(self.text), len(self.text), newline_of(self.text) + line
        return at + 1, at + 1, line + newline_of(self.text)


def _pair(node: yaml.Node | None, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((pair for pair in node.value if pair[0].value == key), None)


def _scalar_text(value: str, style: str, sample: str) -> str:
    """Return a scalar as YAML, plain where that reads back as the same text in its surroundings."""
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    if style != '"' and _reads_back(sample % value, value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _reads_back(text: str, value: str) -> bool:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return False
    found = node.value[0][1] if isinstance(node, yaml.MappingNode) and len(node.value) == 1 else None
    if isinstance(node, yaml.SequenceNode) and len(node.value) == 1:
        found = node.value[0]
    plain = isinstance(found, yaml.ScalarNode) and not found.tag.endswith(":null")
    return bool(plain and found is not None and found.value == value and "\n" not in value)


def _require_only(before: str, after: str, change: Change) -> None:
    """Make sure that the change is there and nothing else changed."""
    wanted = copy.deepcopy(parse_yaml(before, "scenario.yaml").data)
    group = wanted["tasks"][change.task][change.group]
    group[change.name] = _changed(group[change.name], change)
    found = parse_yaml(after, "scenario.yaml").data
    theirs = found["tasks"][change.task][change.group]
    if isinstance(theirs, dict) and change.name in theirs:
        theirs[change.name] = _whole(theirs[change.name])
    if found != wanted:
        raise ScenarioError(
            f"'{change.part}' of '{'.'.join(change.path)}' can't be changed alone in scenario.yaml.",
            hint="Write the label out by itself, without anchors and aliases.",
        )


def _changed(label: Any, change: Change) -> dict[str, Any]:
    own = _whole(label)
    own[change.part] = change.text if change.part == "means" else [*(own.get(change.part) or []), change.text]
    return own


def _whole(label: Any) -> dict[str, Any]:
    if isinstance(label, dict):
        return {key: value for key, value in label.items() if value is not None}
    return {} if label is None else {"means": label}

"""YAML text as plain data, with the line of every part.

Reads less than all of YAML, on purpose: every scalar stays the text the user wrote (so a label `yes`, `1`
or `2024-01-01` is that text), only an empty value and `null` become None; keys are text and appear once;
tags, merge keys and several documents are refused. Doesn't know what the data means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from sftloop.core.errors import ScenarioError

_CORE_TAG = "tag:yaml.org,2002:"
_CORE_TYPES = ("str", "null", "bool", "int", "float", "timestamp", "value", "merge", "map", "seq")
_TAGS = frozenset(_CORE_TAG + name for name in _CORE_TYPES)
_HINTS = (
    ("mapping values are not allowed", "Put quotes around a text that holds ': '."),
    ("found character '\\t'", "Indent with spaces, not tabs."),
    ("could not find expected ':'", "A key is followed by an ASCII colon and a space, 'key: value'."),
    ("expected <block end>", "Check the indentation: keys of one mapping start in one column."),
    ("found undefined alias", "Define the anchor before it is used, or put quotes around the text."),
    ("expected a single document", "Keep one document; remove the '---' between them."),
    ("found unexpected end of stream", "A quote or bracket that opens here is never closed."),
)


class YamlSource:
    """A parsed document: its data, and where each part of it stands."""

    def __init__(self, root: yaml.Node, where: str) -> None:
        self._root = root
        self._where = where
        self._done: dict[int, Any] = {}
        self._open: set[int] = set()
        self.data = self._build(root)

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line (from 1) of the part at `path`, or of the deepest part that exists."""
        node, line = self._root, self._root.start_mark.line + 1
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            line, node = found
        return line

    def _build(self, node: yaml.Node) -> Any:
        if id(node) in self._done:
            return self._done[id(node)]
        if id(node) in self._open:
            raise self._error(node, "this part contains itself", "Remove the alias that points back.")
        if node.tag not in _TAGS:
            tag = node.tag.replace(_CORE_TAG, "!!")
            hint = "Remove it, or put quotes around the text."
            raise self._error(node, f"the tag '{tag}' is not supported", hint)
        self._open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            value: Any = self._build_mapping(node)
        elif isinstance(node, yaml.SequenceNode):
            value = [self._build(item) for item in node.value]
        else:
            value = None if node.tag == f"{_CORE_TAG}null" else self._text(node)
        self._open.discard(id(node))
        self._done[id(node)] = value
        return value

    def _build_mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._error(
                    key, "a key must be text, here it is a list or mapping", "Put quotes around it."
                )
            name = self._text(key)
            if key.tag == f"{_CORE_TAG}merge":
                raise self._error(key, "the merge key '<<' is not supported", "Write the keys out.")
            if name in mapping:
                raise self._error(
                    key, f"the key '{name}' appears twice, first on line {lines[name]}", "Keep one of them."
                )
            lines[name] = key.start_mark.line + 1
            mapping[name] = self._build(value)
        return mapping

    def _text(self, node: yaml.Node) -> str:
        text = str(node.value)
        half = next((mark for mark in text if "\ud800" <= mark <= "\udfff"), None)
        if half is not None:
            raise self._error(
                node,
                f"the text holds half a character (\\u{ord(half):04x}), which no file can keep",
                "Write the character itself, or its whole code as \\U and eight digits.",
            )
        return text

    def _error(self, node: yaml.Node, what: str, hint: str) -> ScenarioError:
        return ScenarioError(f"{self._where}:{node.start_mark.line + 1}: {what}.", hint=hint)


def parse_yaml(text: str, where: str) -> YamlSource:
    """Parse one YAML document.

    Args:
        text: the file's content.
        where: the file's name for messages.

    Raises:
        ScenarioError: malformed YAML or a feature named in this module's first lines (`where:line`).
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _malformed(error, text, where) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"U+{error.character:04X}" if isinstance(error.character, int) else repr(error.character)
        raise ScenarioError(
            f"{where}:{line}: malformed YAML: the character {character} is not allowed.",
            hint="Remove it or write it as an escape inside double quotes.",
        ) from None
    except RecursionError:
        raise ScenarioError(f"{where}: malformed YAML: nested too deeply.") from None
    if root is None:
        raise ScenarioError(f"{where}: holds comments only, no scenario.", hint="Start it with 'name: …'.")
    return YamlSource(root, where)


def _child(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item.start_mark.line + 1, item
    return None


def _malformed(error: yaml.MarkedYAMLError, text: str, where: str) -> ScenarioError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = error.problem or error.context or "unreadable"
    hint = next((advice for sign, advice in _HINTS if sign in problem or sign in (error.context or "")), "")
    full_width = _full_width_colon(text.splitlines(), line)
    if full_width is not None:
        hint = f"Line {full_width} has a full-width colon '：'; YAML wants 'key: value' with an ASCII colon."
    return ScenarioError(f"{where}:{line}: malformed YAML: {problem}.", hint=hint)


def _full_width_colon(lines: Sequence[str], around: int) -> int | None:
    """Return the number of the line, `around` or the one before, that uses '：' where YAML wants ': '."""
    for number in (around, around - 1):
        if 0 < number <= len(lines) and "：" in lines[number - 1] and ": " not in lines[number - 1]:
            return number
    return None

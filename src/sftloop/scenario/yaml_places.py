"""Where the parts of a YAML text stand, by the positions that the parser gives.

Knows nodes and characters; doesn't know scenarios and changes nothing.
"""

from __future__ import annotations

import yaml

BLOCK_STYLES = ("|", ">")


def is_flow(node: yaml.Node) -> bool:
    """Whether a mapping or list is written in braces or brackets."""
    return bool(getattr(node, "flow_style", False))


def style_of(node: yaml.Node) -> str:
    """Return the mark that a text is written with: a quote, `|`, `>`; empty for plain text."""
    return str(getattr(node, "style", None) or "")


def end_of(text: str, node: yaml.Node) -> int:
    """Return where a node's own text ends: the parser counts blank lines behind a block as its own."""
    if isinstance(node, yaml.ScalarNode):
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(text[start:end].rstrip()) if style_of(node) in BLOCK_STYLES else int(end)
    if is_flow(node) or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return end_of(text, last[1] if isinstance(node, yaml.MappingNode) else last)


def newline_of(text: str) -> str:
    """Return how the text's lines end."""
    return "\r\n" if "\r\n" in text else "\n"

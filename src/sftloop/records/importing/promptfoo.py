"""Rows out of promptfoo's suites: a configuration's `tests`, a list of tests, JSON Lines, CSV with `__expected`.

A test becomes one flat row: its variables, what it expects, its metadata. A suite that this package wrote becomes
messages again. Knows promptfoo's form, https://www.promptfoo.dev/docs/configuration/reference; not the scenario.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sftloop.core.errors import DataError
from sftloop.records.importing.plain import plain, without_bytes
from sftloop.records.importing.sources import Row, csv_rows, json_rows, open_text

EXPECTED = "expected"
"""The column with what a test's assertion wants."""

_WANTS = (
    *("equals", "contains", "icontains", "starts-with", "contains-all", "icontains-all", "contains-json"),
    *("similar", "levenshtein", "rouge-n", "bleu", "gleu", "meteor"),
)
"""Assertions whose value is the answer, or near enough; others judge it by other means."""
_COMPARED = re.compile(r"\s*output(?:\.trim\(\))?\s*===?\s*(\"(?:[^\"\\]|\\.)*\"|'[^'\\]*')\s*;?\s*")
_CELL = re.compile(r"([a-z][a-z-]*)(?:\([\d.]+\))?:\s*(.*)", re.DOTALL)
_RAW_START, _RAW_END = "{% raw %}", "{% endraw %}"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unsaid(str):
    """In place of an expected answer that no assertion says; the text is why."""


def promptfoo_rows(path: Path, encoding: str = "utf-8") -> Iterator[Row]:
    """Yield a flat row per test, with its line.

    Raises:
        DataError: malformed YAML, no tests, or tests that lie in another file.
    """
    kind = path.suffix.lower()
    table = kind in (".csv", ".tsv")
    read = csv_rows if table else json_rows if kind == ".jsonl" else _yaml_rows
    flat: Callable[[Any], dict[str, Any]] = _from_cells if table else _from_test
    for row in read(path, encoding):
        if row.value is None:
            yield row
            continue
        try:
            yield Row(line=row.line, value=flat(row.value), raw=row.raw)
        except DataError as error:
            yield Row(line=row.line, problem=str(error), raw=row.raw)


def raw(text: str) -> str:
    """Return a text whose braces promptfoo doesn't take for a template's."""
    if not any(sign in text for sign in ("{{", "{%", "{#")):
        return text
    return _RAW_START + text.replace("endraw", "end\u200braw") + _RAW_END


def _unraw(text: Any) -> Any:
    if isinstance(text, str) and text.startswith(_RAW_START) and text.endswith(_RAW_END):
        return text.removeprefix(_RAW_START).removesuffix(_RAW_END).replace("end\u200braw", "endraw")
    return text


def _yaml_rows(path: Path, encoding: str) -> Iterator[Row]:
    with open_text(path, encoding) as stream:
        loader = _Loader(stream.read())
    try:
        root = loader.get_single_node()
        tests, default = _tests_of(root, path, loader)
        for node in tests:
            line = node.start_mark.line + 1
            value = plain(loader.construct_object(node, deep=True))
            raw = without_bytes(value)
            if isinstance(value, dict):
                yield Row(line=line, value=_merged(default, value), raw=raw)
            else:
                yield Row(line=line, problem=_no_test(value), raw=raw)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}"
        raise DataError(f"{where}: malformed YAML: {getattr(error, 'problem', error)}.") from None
    finally:
        loader.dispose()


def _tests_of(root: Any, path: Path, loader: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return the nodes of the tests, and what holds for all of them."""
    default: dict[str, Any] = {}
    if isinstance(root, yaml.MappingNode):
        parts = {key.value: value for key, value in root.value if isinstance(key, yaml.ScalarNode)}
        if "defaultTest" in parts:
            found = plain(loader.construct_object(parts["defaultTest"], deep=True))
            default = found if isinstance(found, dict) else {}
        root = parts.get("tests")
    if isinstance(root, yaml.ScalarNode) and root.value:
        raise DataError(f"{path}:{root.start_mark.line + 1}: {_no_test(root.value)}")
    if not isinstance(root, yaml.SequenceNode) or not root.value:
        raise DataError(
            f"'{path}' holds no tests.",
            hint="A promptfoo suite has a list `tests`, each with `vars` and `assert`.",
        )
    return root.value, default


def _merged(default: Mapping[str, Any], test: Mapping[str, Any]) -> dict[str, Any]:
    both = {**default, **test}
    for key in ("vars", "metadata"):
        mine, theirs = test.get(key), default.get(key)
        if isinstance(theirs, dict) and (mine is None or isinstance(mine, dict)):
            both[key] = {**theirs, **(mine or {})}
    if isinstance(test.get("assert"), list) and isinstance(default.get("assert"), list):
        both["assert"] = [*test["assert"], *default["assert"]]
    return both


def _no_test(value: Any) -> str:
    if isinstance(value, str):
        return f"The tests lie in another file, '{value}'; import that file itself."
    return f"A test must be an object with `vars`, got {type(value).__name__}."


def _from_test(test: Mapping[str, Any]) -> dict[str, Any]:
    """Return a test as a flat row, or as messages where this package wrote it."""
    given, meta = test.get("vars"), test.get("metadata") or {}
    if not isinstance(given, dict) or not isinstance(meta, dict):
        raise DataError(f"The test's 'vars' must be an object, got {type(given).__name__}.")
    named = {str(key): _unraw(value) for key, value in given.items()}
    for key, value in named.items():
        if isinstance(value, str) and value.startswith("file://"):
            raise DataError(f"The variable '{key}' points to a file ({value}), which is not read.")
    if set(named) == {"system", "user"} and {"task", "id", "answer"} <= meta.keys():
        messages = [{"role": role, "content": named[role]} for role in ("system", "user") if named[role]]
        return {"input": messages, "ideal": "", "metadata": meta}
    row = {str(key): value for key, value in meta.items()} | named
    if EXPECTED not in row:
        row[EXPECTED] = _wanted(test.get("assert"))
    return row


def _from_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of a tests table: `__expected` says what is wanted, other `__` columns are promptfoo's own."""
    row: dict[str, Any] = {name: cell for name, cell in cells.items() if not name.startswith("__")}
    for name, cell in cells.items():
        if name.startswith("__metadata:"):
            row.setdefault(name.removeprefix("__metadata:").removesuffix("[]"), cell)
    cell = next((cells[name] for name in ("__expected", "__expected1") if cells.get(name)), "")
    typed = _CELL.fullmatch(cell)
    if typed and (
        typed[1] in _WANTS or typed[1] in ("javascript", "fn", "eval", "python", "llm-rubric", "grade")
    ):
        kind = "javascript" if typed[1] in ("fn", "eval") else typed[1]
        row[EXPECTED] = _wanted([{"type": kind, "value": typed[2]}])
    else:
        row[EXPECTED] = cell
    return row


def _wanted(assertions: Any) -> Any:
    """Return what the first assertion that says it wants."""
    listed = (
        [one for one in assertions or [] if isinstance(one, dict)] if isinstance(assertions, list) else []
    )
    for one in listed:
        kind, value = one.get("type"), _unraw(one.get("value"))
        if kind in _WANTS and value is not None:
            return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
        compared = _COMPARED.fullmatch(value) if kind == "javascript" and isinstance(value, str) else None
        if compared:
            return json.loads(compared[1]) if compared[1].startswith('"') else compared[1][1:-1]
    kinds = ", ".join(dict.fromkeys(str(one.get("type")) for one in listed)) or "none"
    return Unsaid(f"No assertion says which answer is expected (they are: {kinds}); `equals` would.")

"""A format put into a scenario's file: that block changes and nothing else, comments included."""

from __future__ import annotations

import pytest

from sftloop.core.errors import ScenarioError
from sftloop.scenario import Format, load_scenario
from sftloop.scenario.format_block import put_format

HEAD = "# A shop\nname: shop\nmodel: tiny  # small\n"
TASKS = """\

# What is asked
tasks:
  t:
    kind: choice
    input: [text]
    labels:
      a: One.
      b: >-
        Two.

# the end
"""
LETTERS = Format(labels="letters", order="instruction_opens")
BLOCK = "format: {order: instruction_opens, labels: letters}\n"
CASES = {
    "none yet": (HEAD + TASKS, HEAD + BLOCK + TASKS),
    "no line break at the end": (HEAD + TASKS.rstrip(), HEAD + BLOCK + TASKS.rstrip() + "\n"),
    "another format": (HEAD + "format: {reason: none}\n" + TASKS, HEAD + BLOCK + TASKS),
    "a format of several lines": (
        HEAD + "format:\n  labels: names\n  answer: json\n\n# kept\n" + TASKS,
        HEAD + BLOCK + "\n# kept\n" + TASKS,
    ),
    "prompt's order": (
        "prompt:\n  order: instruction_first\n# kept\n" + HEAD + TASKS,
        BLOCK + "# kept\n" + HEAD + TASKS,
    ),
    "both": (
        HEAD + "prompt: {order: input_first}\n" + TASKS + "format: {order: input_first}\n",
        HEAD + TASKS + BLOCK,
    ),
    "lines that end as on Windows": (
        (HEAD + "format: {reason: none}\n" + TASKS).replace("\n", "\r\n"),
        (HEAD + BLOCK + TASKS).replace("\n", "\r\n"),
    ),
    "a line separator in a text": (
        TASKS.replace("One.", "'O\u2028ne.'") + "format: {reason: none}\n" + HEAD,
        TASKS.replace("One.", "'O\u2028ne.'") + BLOCK + HEAD,
    ),
    "tasks first": (TASKS + HEAD, TASKS + HEAD + BLOCK),
}


@pytest.mark.parametrize("case", CASES)
def test_the_block_is_put_in_and_the_rest_stays(case: str, write) -> None:
    old, expected = CASES[case]
    new = put_format(old, LETTERS, "scenario.yaml")
    assert new == expected
    scenario = load_scenario(write(new))
    assert scenario.format == LETTERS
    assert put_format(new, LETTERS, "scenario.yaml") == new, "twice is once"


def test_the_default_needs_no_block() -> None:
    assert put_format(HEAD + BLOCK + TASKS, Format(order="input_first"), "f") == HEAD + TASKS


@pytest.mark.parametrize(
    "text",
    [
        "{name: shop, model: tiny, tasks: {t: {kind: generate, input: [a]}}}\n",
        "name: &n shop\nmodel: m\nformat: *n\n",
    ],
)
def test_a_file_of_another_shape_is_left_to_its_author(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        put_format(text, LETTERS, "scenario.yaml")
    assert "scenario.yaml: the format can't be put in" in str(caught.value)
    assert BLOCK.strip() in str(caught.value.hint)

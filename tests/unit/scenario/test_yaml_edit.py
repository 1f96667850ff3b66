"""One change in the text of scenario.yaml: the bytes around it stay, whatever style the label is written in."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.core.errors import ScenarioError
from sftloop.scenario.yaml_edit import Change, ChangedPart, apply_change, scenario_diff
from sftloop.scenario.yaml_source import parse_yaml

HEAD = """\
# A case.
name: case   # the name
tasks:
  kind:
    kind: choice   # one of several
    labels:
"""
TAIL = """\
    # about the answer
    answer: {format: json}   # always
data: {validation: v.jsonl}
"""
STYLES = {
    "bare": "      a: Old words.  # note\n      b: Other.\n",
    "quoted": "      a: \"Old words.\"  # note\n      b: 'Other.'\n",
    "single": "      a: 'Old words.'\n\n      b: Other.\n",
    "flow": "      a: {means: Old words., not: [x, y]}   # note\n      b: {means: Other.}\n",
    "flow group": "      {a: Old words., b: {means: Other., not: [z]}}\n",
    "block": "      a:\n        means: Old words.   # why\n        not:\n          - x\n          - y # last\n"
    "      # between\n      b:\n        means: Other.\n",
    "indentless": "      a:\n        means: Old words.\n        not:\n        - x\n        examples: "
    "[p]\n      b: Other.\n",
    "folded": "      a:\n        means: >-\n          Old\n          words.\n        not: [x]\n\n      # "
    "between\n      b: Other.\n",
    "bare folded": "      a: >-\n        Old words.\n      b: Other.\n",
    "no definition": "      a:\n      b: Other.\n",
    "no means": "      a: {not: [x]}\n      b:\n        abstain: true\n",
    "empty list": "      a: {means: Old words., not: []}\n      b: {}\n",
    "missing list": "      a:\n        means: Old words.\n        not:\n      b: Other.\n",
}
PARTS: tuple[ChangedPart, ...] = ("means", "not", "examples")


def change(
    part: ChangedPart, text: str, name: str = "a", group: Literal["labels", "fields"] = "labels"
) -> Change:
    return Change(task="kind", name=name, part=part, text=text, group=group)


def label(text: str, name: str) -> dict:
    found = parse_yaml(text, "x").data["tasks"]["kind"]["labels"][name]
    return found if isinstance(found, dict) else {"means": found}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_one_part_changes_and_every_other_line_stays(
    style: str, part: ChangedPart, name: str, newline: str
) -> None:
    before = (HEAD + STYLES[style] + TAIL).replace("\n", newline)
    after = apply_change(before, change(part, "New, with: signs # and 'quotes'", name))
    had, has = label(before, name), label(after, name)
    if part == "means":
        assert has["means"] == "New, with: signs # and 'quotes'"
    else:
        assert has[part] == [*(had.get(part) or []), "New, with: signs # and 'quotes'"]
    assert after.startswith(HEAD.replace("\n", newline)) and after.endswith(TAIL.replace("\n", newline))
    for comment in ("# note", "# why", "# last", "# between"):
        assert after.count(comment) == before.count(comment)
    assert after.count("\n") == after.count(newline), "line ends stay of one kind"
    kept = set(before.split(newline)) - set(after.split(newline))
    assert len(kept) <= 3, "at most the lines of one definition are replaced"


WORDS = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u00a0\ufeff"),
    min_size=1,
    max_size=40,
).map(lambda text: " ".join(text.split()))


@given(style=st.sampled_from(sorted(STYLES)), part=st.sampled_from(PARTS), text=WORDS.filter(bool))
def test_any_line_of_text_reads_back(style: str, part: ChangedPart, text: str) -> None:
    after = apply_change(HEAD + STYLES[style] + TAIL, change(part, text))
    found = label(after, "a")[part]
    assert (found if part == "means" else found[-1]) == text


def test_a_style_is_kept() -> None:
    def line(style: str, part: ChangedPart, text: str = "New words") -> str:
        before = HEAD + STYLES[style] + TAIL
        after = apply_change(before, change(part, text))
        return "\n".join(row for row in after.split("\n") if row not in before.split("\n"))

    assert line("bare", "means") == "      a: New words  # note"
    assert line("quoted", "means") == '      a: "New words"  # note'
    assert line("bare", "not") == "      a: {means: Old words., not: [New words]}  # note"
    assert line("flow", "not") == "      a: {means: Old words., not: [x, y, New words]}   # note"
    assert line("block", "not") == "          - New words"
    assert line("block", "examples") == "        examples: [New words]"
    assert line("folded", "means") == "          New words"
    assert line("flow", "means", "a, b") == '      a: {means: "a, b", not: [x, y]}   # note'


def test_what_cannot_be_changed_alone_is_refused() -> None:
    shared = HEAD + "      a: &one {means: Old words., not: [x]}\n      b: *one\n" + TAIL
    with pytest.raises(ScenarioError, match=r"can't be changed alone.*anchors"):
        apply_change(shared, change("not", "y"))
    with pytest.raises(ScenarioError, match=r"no 'tasks\.kind\.labels\.c'"):
        apply_change(HEAD + STYLES["bare"] + TAIL, change("means", "y", "c"))


def test_a_field_of_an_extract_task() -> None:
    text = "tasks:\n  kind:\n    fields: {who: Old., when: {type: date}}\n"
    changed = apply_change(text, change("means", "New.", "when", "fields"))
    assert changed == "tasks:\n  kind:\n    fields: {who: Old., when: {means: New., type: date}}\n"


def test_the_diff_is_one_that_patch_reads() -> None:
    before = HEAD + STYLES["block"] + TAIL.rstrip("\n")
    after = apply_change(before, change("not", "z"))
    diff = scenario_diff(before, after)
    assert diff.startswith("--- a/scenario.yaml\n+++ b/scenario.yaml\n@@ ")
    assert [row for row in diff.split("\n")[2:] if row[:1] in "+-"] == ["+          - z", ""]
    assert scenario_diff(before, before) == ""
    assert "\\ No newline" in scenario_diff("a\nb", "a\nc")

"""Input fields out of a prompt that this package rendered: the way back from an export.

Works by rendering marks in place of texts and matching what lies between them, so that it follows whatever
`render_prompt` does; a find counts only if rendering it again gives the same text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product

from sftloop.records.schema import Input
from sftloop.scenario.render import render_prompt
from sftloop.scenario.schema import InputField, Scenario, Task
from sftloop.scenario.wording import CHINESE, ENGLISH, Wording

_MARK = "\ue000{index}\ue001"
_MARKS = re.compile("\ue000\\d+\ue001")
_MOST_DOCUMENTS = 1000

Shape = tuple[int, ...]
"""Number of texts per input field; single fields count 1."""


class PromptReader:
    """Recognises the user texts of one scenario's prompts."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._pattern = lru_cache(maxsize=4096)(self._make_pattern)

    def read(self, task: Task, user: str) -> Input | None:
        """Return the input that `task` renders to `user`, or None.

        Texts come back without white space at their ends (rendering drops it). Where a text holds the very
        heading of the next one, several inputs render alike; then each text is read as short, and a list
        of documents as long, as it can be.
        """
        shape = self._shape(task, user)
        if shape is None:
            return None
        match = self._pattern(task.name, shape).fullmatch(user)
        if match is None:
            return None
        found = _named(task, shape, [text or "" for text in match.groups()])
        return found if render_prompt(self._scenario, task, found).user == user else None

    def same_system(self, task: Task, system: str) -> bool:
        """Whether `system` is the task's present system text."""
        empty: Input = {field.name: [""] if field.many else "" for field in task.input}
        return render_prompt(self._scenario, task, empty).system == system

    def _shape(self, task: Task, user: str) -> Shape | None:
        """Return how many documents each field has: start with one (or none) each, then add while it fits."""
        starts = product(*((1, 0) if field.many else (1,) for field in task.input))
        shape = next((start for start in starts if self._fits(task, start, user)), None)
        if shape is None:
            return None
        for position, field in enumerate(task.input):
            while field.many and 0 < shape[position] < _MOST_DOCUMENTS:
                longer = (*shape[:position], shape[position] + 1, *shape[position + 1 :])
                if not self._fits(task, longer, user):
                    break
                shape = longer
        return shape

    def _fits(self, task: Task, shape: Shape, user: str) -> bool:
        return self._pattern(task.name, shape).fullmatch(user) is not None

    def _make_pattern(self, task_name: str, shape: Shape) -> re.Pattern[str]:
        task = self._scenario.tasks[task_name]
        marks = [_MARK.replace("{index}", str(index)) for index in range(sum(shape))]
        text = render_prompt(self._scenario, task, _named(task, shape, marks)).user
        return re.compile("(.*?)".join(re.escape(piece) for piece in _MARKS.split(text)), re.DOTALL)


def looks_rendered(system: str, user: str) -> bool:
    """Whether messages are a prompt that this package renders, in whatever wording of the scenario.

    The user's opens with the heading of the input or of the instruction and has the other on a line of its own;
    one of the two has a built-in rule for the answer.
    """
    lines = user.strip().splitlines()
    for words in (ENGLISH, CHINESE):
        headings = {words.input_heading, words.instruction_heading}
        if lines and lines[0] in headings and headings <= set(lines):
            return any(line.startswith(_answer_rules(words)) for line in [*lines, *system.splitlines()])
    return False


def _answer_rules(words: Wording) -> tuple[str, ...]:
    """Return how the rule for the answer begins, whatever the task."""
    rules = (
        words.plain_choice,
        words.plain_multi,
        words.letter_choice,
        words.letter_multi,
        words.plain_score,
    )
    others = (words.plain_generate, words.json_lead, words.lines_lead)
    return tuple(rule.split("{")[0] for rule in (*rules, *others))


def _named(task: Task, shape: Shape, texts: list[str]) -> Input:
    result: Input = {}
    start = 0
    for field, count in zip(task.input, shape, strict=True):
        mine = texts[start : start + count]
        result[field.name] = _one_or_many(field, mine)
        start += count
    return result


def _one_or_many(field: InputField, texts: list[str]) -> str | list[str]:
    return texts if field.many else texts[0]

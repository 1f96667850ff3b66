"""Scenarios: the schema of scenario.yaml, prompts, answers and a lint for both."""

from sftloop.scenario.answer import (
    Answer,
    ParsedAnswer,
    answer_format,
    format_answer,
    label_slots,
    parse_answer,
)
from sftloop.scenario.choose import choose_training, parse_settings, put_over
from sftloop.scenario.finding import Finding
from sftloop.scenario.lint import lint
from sftloop.scenario.lint_records import LintRecord
from sftloop.scenario.load import SCENARIO_FILE, load_scenario
from sftloop.scenario.prompt_format import Format
from sftloop.scenario.render import Prompt, placeholder_input, probe_prompts, render_prompt, render_system
from sftloop.scenario.require_tasks import require_tasks
from sftloop.scenario.schema import (
    AnswerSpec,
    DataFiles,
    Field,
    InputField,
    Label,
    PromptStyle,
    Scenario,
    Target,
    Task,
    Training,
)
from sftloop.scenario.wording import Language, Wording, wording

__all__ = [
    "SCENARIO_FILE",
    "Answer",
    "AnswerSpec",
    "DataFiles",
    "Field",
    "Finding",
    "Format",
    "InputField",
    "Label",
    "Language",
    "LintRecord",
    "ParsedAnswer",
    "Prompt",
    "PromptStyle",
    "Scenario",
    "Target",
    "Task",
    "Training",
    "Wording",
    "answer_format",
    "choose_training",
    "format_answer",
    "label_slots",
    "lint",
    "load_scenario",
    "parse_answer",
    "parse_settings",
    "placeholder_input",
    "probe_prompts",
    "put_over",
    "render_prompt",
    "render_system",
    "require_tasks",
    "wording",
]

"""Records that training would refuse, or that would teach the wrong thing.

Reads each answer as the trainer writes it and as the evaluation reads it; with a tokenizer also in tokens.
Doesn't judge whether an answer is right.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sftloop.core.errors import DataError
from sftloop.curate.finding import DataFinding, Sentence, Severity
from sftloop.curate.quote import clipped, clipped_input
from sftloop.curate.trainable.answer_leaks import copied_answers, leaking_labels
from sftloop.curate.trainable.token_fit import TokenFacts, closes_turns, token_fit
from sftloop.records import Record, check_record, unquoted_evidence
from sftloop.scenario import Scenario, Task, format_answer, parse_answer
from sftloop.scenario.answer import MAIN_KEY

if TYPE_CHECKING:
    from sftloop.models import TaskTokens

_EXAMPLES = 3

_SENTENCES: Mapping[str, Sentence] = {
    "empty": Sentence(
        why="The answer is empty or only punctuation in {n} of {total} records of task '{name}'; "
        "training refuses them or learns to say nothing. For example {example}.",
        mend="Fill the answers or remove the records.",
        why_zh="任务“{name}”的 {total} 条记录中有 {n} 条答案为空或只有标点；"
        "训练会拒绝它们，或者学会什么都不说。例如 {example}。",
        mend_zh="补全答案，或删除这些记录。",
    ),
    "misfit": Sentence(
        why="{n} of {total} records of task '{name}' don't fit the scenario: what they teach can't be read "
        "back. For example {example}.",
        mend="Correct the records, or the scenario where it is too narrow.",
        why_zh="任务“{name}”的 {total} 条记录中有 {n} 条不符合场景定义，按其学到的答案无法解析。例如 {example}。",
        mend_zh="改正这些记录；若是场景定义过窄，则修改场景。",
    ),
    "unquoted": Sentence(
        why="The evidence of {n} of {total} records of task '{name}' isn't in their input word for word; "
        "this teaches to make quotes up. For example {example}.",
        mend="Quote the input exactly, or leave the evidence empty.",
        why_zh="任务“{name}”的 {total} 条记录中有 {n} 条的证据并非输入原文，会教模型编造引文。例如 {example}。",
        mend_zh="逐字引用输入原文，或将证据留空。",
    ),
    "label_in_input": Sentence(
        why="The input of {n} of {total} records of task '{name}' names their own label; the model learns to "
        "copy it and fails where it is missing. For example {example}.",
        mend="Remove the label from the input.",
        why_zh="任务“{name}”的 {total} 条记录中有 {n} 条在输入里写明了自己的标签；"
        "模型会学成照抄，遇到没有标签的输入就会出错。例如 {example}。",
        mend_zh="从输入中删去标签。",
    ),
    "answer_in_input": Sentence(
        why="The whole answer stands in the input of {n} of {total} records of task '{name}', which is not "
        "usual in it. For example {example}.",
        mend="Remove the answer from the input, or check that copying is what is asked.",
        why_zh="任务“{name}”的 {total} 条记录中有 {n} 条的输入已包含完整答案，"
        "而该任务通常并非如此。例如 {example}。",
        mend_zh="从输入中删去答案，或确认任务要求的就是照抄。",
    ),
    "too_long": Sentence(
        why="{n} of {total} records of task '{name}' are longer than the model's context; training refuses "
        "them. For example {example}.",
        mend="Shorten their input, remove them, or take a model with a longer context.",
        why_zh="任务“{name}”的 {total} 条记录中有 {n} 条超出模型的上下文长度，训练会拒绝它们。例如 {example}。",
        mend_zh="缩短输入、删除这些记录，或换用上下文更长的模型。",
    ),
    "masked": Sentence(
        why="No token of the answer would be learned in {n} of {total} records of task '{name}': the "
        "tokenizer drops all of it. For example {example}.",
        mend="Write the answers in characters the tokenizer knows, or take another model.",
        why_zh="任务“{name}”的 {total} 条记录中有 {n} 条的答案没有任何词元可学："
        "分词器把它们全部丢弃了。例如 {example}。",
        mend_zh="改用分词器认识的字符书写答案，或换一个模型。",
    ),
    "cut_off": Sentence(
        why="The answers of {n} of {total} records of task '{name}' are longer than the room that evaluation "
        "gives them; what is learned behind it is never written. For example {example}.",
        mend="Set max_answer_tokens of the task to the longest answer's size, or shorten the answers.",
        why_zh="任务“{name}”的 {total} 条记录中有 {n} 条的答案长于评测留给答案的长度，"
        "超出部分学了也不会写出。例如 {example}。",
        mend_zh="把任务的 max_answer_tokens 设为最长答案的词元数，或缩短这些答案。",
    ),
}
_WARNINGS = ("answer_in_input", "cut_off")
_NO_END = Sentence(
    why="The model's chat template doesn't end an answer with a token of its own; the end of text is learned "
    "in its place.",
    mend="Nothing for a base model; serve it with the same stop token.",
    why_zh="该模型的对话模板没有专门的结束词元；训练时以文本结束词元代替。",
    mend_zh="基座模型无需处理；部署时使用同一个停止词元即可。",
)


class Trainability(NamedTuple):
    """Findings, and one row of facts per task where a tokenizer was at hand."""

    findings: list[DataFinding]
    facts: list[TokenFacts]


def find_untrainable(
    records: Sequence[Record],
    scenario: Scenario,
    *,
    tokens: Mapping[str, TaskTokens] | None = None,
    context_tokens: int | None = None,
) -> Trainability:
    """Find records that can't be trained on or teach the wrong thing: one finding per task and cause.

    Args:
        records: of any tasks of the scenario.
        scenario: how answers are written and read.
        tokens: task → its tokens; None: nothing is counted in tokens.
        context_tokens: the longest sequence the model takes, None: not known.
    """
    findings: list[DataFinding] = []
    facts: list[TokenFacts] = []
    for task in scenario.tasks.values():
        mine = sorted((record for record in records if record.task == task.name), key=lambda r: r.id)
        causes, sound = _answer_causes(mine, task, scenario)
        causes |= _input_causes(sound, task)
        if tokens is not None and task.name in tokens:
            fit = token_fit(sound, tokens[task.name], context_tokens)
            facts += [fit.facts] if fit.facts else []
            causes["too_long"] = {key: f"{size} tokens" for key, size in fit.too_long.items()}
            causes["masked"] = {r.id: clipped_input(r) for r in sound if r.id in fit.masked}
            causes["cut_off"] = {key: f"{size} tokens" for key, size in fit.cut_off.items()}
        findings += _findings(task, causes, len(mine))
    if tokens and not closes_turns(next(iter(tokens.values())).encoder):
        findings.append(
            DataFinding.of(
                "untrainable", "note", _NO_END, task=None, records=(), evidence={"cause": "no_end_of_turn"}
            )
        )
    return Trainability(findings, facts)


def _answer_causes(
    records: Sequence[Record], task: Task, scenario: Scenario
) -> tuple[dict[str, dict[str, str]], list[Record]]:
    """Return cause → record's id → what shows it, and the records that can be written."""
    causes: dict[str, dict[str, str]] = {"empty": {}, "misfit": {}, "unquoted": {}}
    sound = []
    for record in records:
        if _is_empty(record, task):
            causes["empty"][record.id] = clipped_input(record)
        elif problem := _misfit(record, task, scenario):
            causes["misfit"][record.id] = clipped(problem, 160)
        else:
            sound.append(record)
            if task.answer.evidence and (quotes := unquoted_evidence(record)):
                causes["unquoted"][record.id] = clipped(quotes[0])
    return causes, sound


def _input_causes(records: Sequence[Record], task: Task) -> dict[str, dict[str, str]]:
    shown = {record.id: clipped_input(record) for record in records}
    copied = copied_answers(records) if task.kind == "generate" else []
    return {
        "label_in_input": {key: shown[key] for key in leaking_labels(records, task)},
        "answer_in_input": {key: shown[key] for key in copied},
    }


def _is_empty(record: Record, task: Task) -> bool:
    """Whether nothing is said: no main part, or a written one of spaces and punctuation; a label may be a sign."""
    value = getattr(record.answer, MAIN_KEY[task.kind])
    if isinstance(value, str):
        empty = "PZC" if task.kind == "generate" else "ZC"
        return all(unicodedata.category(mark)[0] in empty for mark in value)
    return value is None


def _misfit(record: Record, task: Task, scenario: Scenario) -> str | None:
    """Return why the answer isn't read back as it is written, or None."""
    problem = check_record(record, scenario)
    if problem is not None:
        return problem
    try:
        written = format_answer(task, record.answer, scenario.language)
    except DataError as error:
        return error.message
    parsed = parse_answer(task, written, scenario.language)
    if parsed.answer is None or not parsed.valid:
        return f"{clipped(written)}: {parsed.problem}"
    if format_answer(task, parsed.answer, scenario.language) != written:
        return f"{clipped(written)} is read as another answer"
    return None


def _findings(task: Task, causes: Mapping[str, Mapping[str, str]], total: int) -> Iterator[DataFinding]:
    for cause, shown in causes.items():
        if not shown:
            continue
        severity: Severity = "warning" if cause in _WARNINGS else "error"
        first, detail = next(iter(shown.items()))
        yield DataFinding.of(
            "untrainable",
            severity,
            _SENTENCES[cause],
            task=task.name,
            records=list(shown),
            evidence={
                "cause": cause,
                "n": len(shown),
                "examples": [f"{key}: {text}" for key, text in list(shown.items())[:_EXAMPLES]],
            },
            name=task.name,
            n=len(shown),
            total=total,
            example=f"{first} ({detail})",
        )

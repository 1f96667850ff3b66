"""`sftloop prompt show` and `lint` on a scenario on disk, with and without a model on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sftloop.cli.prompt import command
from sftloop.core.errors import DataError, ModelError, ScenarioError, UsageError
from sftloop.workflow.prompts import lint_prompt, show_prompt

ROWS = [
    {"id": "a1", "task": "intent", "input": {"message": "Money back!"}, "answer": {"label": "refund"}},
    {"id": "a2", "task": "intent", "input": {"message": "Are you open?"}, "answer": {"label": "other"}},
    {"id": "b1", "task": "tone", "input": {"message": "Thanks"}, "answer": {"score": 5}},
]
TONE = """\
  tone:
    kind: score
    input: [{name: message, prefix: Message}]
    instruction: How friendly is it, from 1 to 5?
    range: [1, 5]
data: {train: train.jsonl, test: test.jsonl}
"""


@pytest.fixture(autouse=True)
def no_models(tmp_path, monkeypatch):
    """Hide the models that this machine may have."""
    monkeypatch.setenv("SFTLOOP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))


@pytest.fixture
def place(shop, write) -> Path:
    """A scenario of two tasks with a training file and no test file."""
    directory = write(shop.replace("model: tiny", "model: tiny\nsystem: Be exact.") + TONE)
    put(directory, ROWS)
    return directory


def put(directory: Path, rows: list[dict]) -> None:
    """Write the training records."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (directory / "train.jsonl").write_text("".join(lines), encoding="utf-8")


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> str:
    """A tiny random model with a byte-level tokenizer and a chat template, saved to disk."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    directory = tmp_path_factory.mktemp("model")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<pad>")
    fast.chat_template = (
        "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}<end>{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    fast.save_pretrained(directory)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        max_position_embeddings=700,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    return str(directory)


def run(*arguments: str, code: int = 0):
    """Run the command; return standard output and standard error."""
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def test_show_without_a_model_marks_the_shared_text(place):
    shown = show_prompt(place)
    assert (shown.record, shown.model, shown.prefix_tokens) == ("a1", None, None)
    assert shown.prefix + shown.suffix == "\n\n".join(message["content"] for message in shown.messages)
    assert shown.prefix.endswith("\n\nInput:\nMessage: ")
    assert shown.suffix == "Money back!\n\nInstruction:\nWhat does the customer want?"
    assert shown.target == "refund"
    assert "The model 'tiny' is not on this machine" in shown.notes[0]
    assert "So the prompt is shown as plain text" in shown.notes[0]


def test_show_with_a_model_uses_its_template_and_tokens(place, model):
    shown = show_prompt(place, task="tone", model=model)
    text = shown.prefix + shown.suffix
    assert text.startswith("[system]Be exact.\n\nAnswer with one number from 1 to 5")
    assert text.endswith("from 1 to 5?<end>[assistant]")
    assert shown.prefix.endswith("Message: ")
    assert shown.suffix.startswith("Thanks")
    assert shown.prefix_tokens == len(shown.prefix.replace("<end>", "#"))
    assert shown.suffix_tokens == len(shown.suffix.replace("<end>", "#"))
    assert (shown.target, shown.target_tokens, shown.notes) == ("5", 2, ())


def test_a_model_beside_the_scenario_is_found_from_anywhere(place, model, tmp_path, monkeypatch):
    (place / "own").symlink_to(model)
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere" / "deep")
    text = (place / "scenario.yaml").read_text()
    for name in ("./own", f"../{place.name}/own"):
        (place / "scenario.yaml").write_text(text.replace("model: tiny", f"model: {name}"))
        for directory in (place, Path("../..")):
            shown = show_prompt(directory)
            assert shown.model == str(place / "own") and shown.prefix_tokens
    with pytest.raises(ModelError, match=r"no model directory '\./own'"):
        show_prompt(place, model="./own")


def test_show_of_a_named_record_takes_its_task(place):
    assert show_prompt(place, record_id="b1").task == "tone"


def test_show_without_records_lets_field_names_stand(place):
    (place / "train.jsonl").unlink()
    shown = show_prompt(place)
    assert (shown.record, shown.target) == (None, None)
    assert "Message: <message>" in shown.prefix + shown.suffix
    assert shown.notes[-1].startswith("The scenario has no record of this task")


def test_show_says_why_there_is_no_target(place):
    text = (place / "scenario.yaml").read_text().replace("  tone:", "    answer: {evidence: true}\n  tone:")
    (place / "scenario.yaml").write_text(text)
    shown = show_prompt(place)
    assert shown.target is None
    assert shown.notes[-1].startswith("No target: task 'intent' asks for 'evidence'")


def test_show_prints_the_parts_and_notes(place):
    out, err = run("show", str(place), "--record", "a2")
    assert out.splitlines()[0] == "──── shared by every prompt of 'intent' ────"
    assert "──── this record, 'a2'; goes on in the same line ────\nAre you open?\n" in out
    assert out.endswith("──── the answer to learn ────\nother\n")
    assert "is not on this machine" in err


def test_show_json_is_one_object(place, model):
    out, _ = run("show", str(place), "--model", model, "--json")
    shown = json.loads(out)
    assert shown["prefix"] + shown["suffix"] == (
        f"[system]{shown['messages'][0]['content']}<end>[user]{shown['messages'][1]['content']}<end>[assistant]"
    )


WRONG = [
    ({"task": "intnt"}, UsageError, "has no task 'intnt'. Did you mean 'intent'?"),
    ({"record_id": "a11"}, UsageError, "has no record 'a11'. Did you mean 'a1'?"),
    ({"record_id": "zzz"}, UsageError, "has no record 'zzz'. Leave --record out"),
    ({"record_id": "b1", "task": "intent"}, UsageError, "has no record 'b1' of the task 'intent'."),
    ({"model": "no/such"}, ModelError, "The model 'no/such' is not on this machine"),
]


@pytest.mark.parametrize(("options", "kind", "message"), WRONG)
def test_show_refuses(place, options, kind, message):
    with pytest.raises(kind) as caught:
        show_prompt(place, **options)
    assert message in str(caught.value)


def test_lint_counts_nothing_without_a_model_and_says_so(place):
    report = lint_prompt(place)
    assert (report.findings, report.records, report.model) == ([], 3, None)
    assert [note.split("'")[0] for note in report.notes] == ["The test file ", "The model "]
    assert "So the length of prompts was not checked." in report.notes[1]


def test_lint_measures_prompts_with_the_model(place, model):
    put(place, [*ROWS, {**ROWS[0], "id": "long", "input": {"message": "x" * 600}}])
    (finding,) = lint_prompt(place, model=model).findings
    assert (finding.kind, finding.severity, finding.task) == ("near_context_limit", "error", "intent")
    assert "of record 'long'" in finding.why
    assert "context holds 700, 1 record is too long" in finding.why


def test_lint_finds_unknown_labels_that_reading_would_refuse(place):
    put(place, [*ROWS, {**ROWS[0], "id": "a9", "answer": {"label": "refnd"}}])
    out, _ = run("lint", str(place), code=1)
    file = place / "scenario.yaml"
    assert out.startswith(f"{file}:9: error unknown_label in task 'intent', label 'refnd'\n")
    assert "  Mend: Correct the records or add the label with a definition. Did you mean 'refund'?\n" in out
    assert out.endswith("shop: 1 error, 0 warnings (looked at 4 records)\n")


def test_lint_json_and_tasks(place):
    put(place, [*ROWS, {**ROWS[0], "id": "a9", "answer": {"label": "refnd"}}])
    out, _ = run("lint", str(place), "--json", code=1)
    report = json.loads(out)
    assert report["summary"] == {"error": 1, "warning": 0}
    assert [finding["kind"] for finding in report["findings"]] == ["unknown_label"]
    out, _ = run("lint", str(place), "--json", "--task", "tone")
    assert json.loads(out)["findings"] == []


def test_warnings_alone_leave_the_exit_code_at_zero(place):
    text = (place / "scenario.yaml").read_text().replace("system: Be exact.\n", "")
    (place / "scenario.yaml").write_text(text)
    out, _ = run("lint", str(place))
    assert out.endswith("shop: 0 errors, 1 warning (looked at 3 records)\n")


def test_lint_names_the_line_of_a_malformed_record(place):
    put(place, [*ROWS, {**ROWS[0], "anser": 1}])
    with pytest.raises(DataError, match=r"train\.jsonl:4: Unknown key 'anser'"):
        lint_prompt(place)


def test_lint_refuses_an_unknown_task(place):
    with pytest.raises(UsageError, match="Did you mean 'tone'"):
        lint_prompt(place, tasks=["ton"])


def test_a_broken_scenario_stops_both(place):
    (place / "scenario.yaml").write_text("name: x\n")
    for verb in (show_prompt, lint_prompt):
        with pytest.raises(ScenarioError, match="lacks the key 'model'"):
            verb(place)

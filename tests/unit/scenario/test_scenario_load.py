"""Loading scenario.yaml: what comes out, and how several or hopeless problems are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftloop.core.errors import DataError, ScenarioError
from sftloop.scenario import Scenario, load_scenario

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_loads_with_defaults_names_and_lines(shop, write):
    scenario = load_scenario(write(shop))
    task = scenario.tasks["intent"]
    assert (scenario.language, task.name, task.written_as) == ("en", "intent", "plain")
    assert task.labels["refund"].means == "Wants money back for something bought."
    assert task.labels["other"].not_ == ["wants money back"]
    assert scenario.directory == scenario.file.parent
    assert scenario.line("tasks", "intent") == 4
    assert scenario.line("tasks", "intent", "labels", "other") == 10
    assert scenario.line("tasks", "intent", "labels", "other", "means") == 10, "the nearest known part"
    assert scenario.line("tasks", "intent", "target") == 4
    assert scenario.line("nothing") is None


def test_the_file_itself_may_be_named(shop, write):
    directory = write(shop)
    assert load_scenario(directory / "scenario.yaml") == load_scenario(str(directory))


def test_a_dump_loads_as_the_same_scenario(shop, write):
    scenario = load_scenario(write(shop))
    again = Scenario.model_validate(scenario.model_dump(mode="json", by_alias=True))
    assert again.tasks == scenario.tasks


def test_words_that_yaml_would_turn_into_other_types_stay_words(shop, write):
    text = shop.replace(
        "      refund:", "      yes: It does.\n      007: Bond.\n      null: Nothing.\n      refund:"
    )
    task = load_scenario(write(text)).tasks["intent"]
    assert list(task.labels)[:3] == ["yes", "007", "null"]


def test_numbers_and_switches_are_read_from_their_text(shop, write):
    text = shop + (
        "    answer: {evidence: yes}\n    max_records: 1_000\n    target: {metric: recall, label: refund, "
        "at_least: .9}\ntraining: {learning_rate: 1e-3, epochs: 3}\ndata: {train: a.jsonl, test: ~}\n"
    )
    scenario = load_scenario(write(text))
    task = scenario.tasks["intent"]
    assert (task.answer.evidence, task.max_records, task.target.at_least) == (True, 1000, 0.9)
    assert (scenario.training.learning_rate, scenario.data.train, scenario.data.test) == (
        0.001,
        "a.jsonl",
        None,
    )


def test_a_label_without_anything_and_bare_input_names_load(shop, write):
    text = shop.replace("[{name: message, prefix: Message}]", "[message]")
    text = text.replace("refund: Wants money back for something bought.", "refund:")
    task = load_scenario(write(text)).tasks["intent"]
    assert (task.labels["refund"].means, task.input[0].name) == ("", "message")


def test_an_anchor_may_be_used_twice(shop, write):
    text = shop + (
        "  again:\n    kind: choice\n    input: [message]\n    labels: &both {a: First one., b: Other one.}\n"
        "  third: {kind: multi, input: [message], labels: *both}\n"
    )
    tasks = load_scenario(write(text)).tasks
    assert tasks["again"].labels == tasks["third"].labels


def test_nesting_without_end_is_refused(message_of):
    assert message_of("name: " + "[" * 5000) == " malformed YAML: nested too deeply."


def test_aliases_that_multiply_are_read_once(message_of):
    levels = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    assert "unknown key 'a0'" in message_of("a0: &a0 [x]\n" + levels)


def test_many_problems_come_at_once_in_the_order_of_the_file(shop, message_of):
    text = shop.replace("kind: choice", "kind: choise").replace("model:", "modle:")
    lines = message_of(text).splitlines()
    assert [line.split(":")[0] for line in lines] == ["1", "2", "5"]


def test_a_flood_of_problems_is_cut(shop, message_of):
    lines = message_of(shop + "".join(f"key{n}: 1\n" for n in range(20))).splitlines()
    assert len(lines) == 9
    assert lines[-1] == "… and 12 more."


def test_missing_places(tmp_path):
    with pytest.raises(ScenarioError, match=r"does not exist\. Give the scenario's directory\."):
        load_scenario(tmp_path / "nowhere")
    with pytest.raises(ScenarioError, match=r"holds no scenario\.yaml\. .*sftloop init"):
        load_scenario(tmp_path)


@pytest.mark.parametrize(
    ("raw", "message"), [(b"", "is empty"), ("名".encode("gbk"), "is not UTF-8"), (b" \n", "is empty")]
)
def test_unreadable_text(tmp_path, raw, message):
    (tmp_path / "scenario.yaml").write_bytes(raw)
    with pytest.raises(DataError, match=message):
        load_scenario(tmp_path)


def test_a_byte_order_mark_and_windows_lines_are_fine(shop, tmp_path):
    (tmp_path / "scenario.yaml").write_bytes(b"\xef\xbb\xbf" + shop.replace("\n", "\r\n").encode())
    assert load_scenario(tmp_path).line("tasks", "intent") == 4


@pytest.mark.parametrize("name", ["tiny", "org/tiny", "models/tiny", "/models/tiny", "~/tiny", ".tiny"])
def test_other_names_of_models_stay_as_they_are(shop, write, name):
    assert load_scenario(write(shop.replace("model: tiny", f"model: {name}"))).model == name


def test_contradicting_task_name(shop, message_of):
    text = shop.replace("    kind: choice", "    name: other\n    kind: choice")
    assert message_of(text) == (
        "5: in 'tasks.intent.name': a task's name is its key, 'intent'; remove this one."
    )


@pytest.mark.parametrize("file", sorted(EXAMPLES.rglob("scenario.yaml")), ids=lambda file: file.parent.name)
def test_examples_load(file):
    assert load_scenario(file).tasks

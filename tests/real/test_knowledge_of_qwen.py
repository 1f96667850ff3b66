"""Qwen knows capitals and elements; it can't know towns, founders and treaties that don't exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftloop.curate.knowledge import measure_knowledge
from sftloop.models import LocalModel, resolve_model
from sftloop.records import Record
from sftloop.scenario import Answer, load_scenario

pytestmark = pytest.mark.real

KNOWN = {
    "What is the capital of France?": "Paris",
    "What is the capital of Japan?": "Tokyo",
    "What is the chemical symbol of oxygen?": "O",
    "What is the chemical symbol of iron?": "Fe",
}
INVENTED = {
    "Who is the mayor of Brenlow?": "Halina Brosk",
    "Who founded the Tavik company?": "Ivo Merrant",
    "In which year was the Malquin treaty signed?": "1612",
    "What is the harbour town of the island Velmoth?": "Keltmouth",
}
SCENARIO = """\
name: facts
model: qwen2.5-coder-0.5b-instruct
tasks:
  qa: {kind: generate, input: [question], instruction: Answer the question.}
"""


def test_known_and_invented_facts(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    scenario = load_scenario(tmp_path)
    local = LocalModel.load(resolve_model(scenario.model, log=print), device="cpu")
    records = [
        Record(id=question, task="qa", input={"question": question}, answer=Answer(text=answer))
        for question, answer in {**KNOWN, **INVENTED}.items()
    ]
    report = measure_knowledge(local.model, local.encoder, scenario, records)
    verdicts = {record.record_id: record.verdict for record in report.records}
    assert sum(verdicts[question] in {"highly_known", "maybe_known"} for question in KNOWN) >= 3
    assert sum(verdicts[question] == "unknown" for question in INVENTED) >= 3
    assert report.generations_per_record <= 17
    [finding] = report.findings
    assert set(finding.records) == {
        question for question, verdict in verdicts.items() if verdict == "unknown"
    }

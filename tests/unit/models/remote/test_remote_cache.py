"""What was answered once is never asked for again, whatever ends the process."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.patience import PROCESS_SECONDS, finish, kill, run, start
from tests.servers.misbehaving import Misbehaving

from sftloop.core.errors import ExternalError
from sftloop.models.remote import Endpoint, RemoteModel
from sftloop.models.remote.cache import AnswerCache
from sftloop.models.remote.question import questions
from sftloop.models.remote.reply import Reply, Token
from sftloop.records import Record
from sftloop.scenario import Answer, Task

ASK = """
import json, sys
from pathlib import Path
from sftloop.evaluate.predict import predict_records
from sftloop.models.remote import Endpoint, RemoteModel
from sftloop.records import Record
from sftloop.scenario import load_scenario
case, url, rows = Path(sys.argv[1]), sys.argv[2], json.loads(Path(sys.argv[1], "rows.json").read_text())
with RemoteModel(Endpoint(base_url=url, model="small", most_at_once=8), cache=case / "cache.sqlite") as model:
    predict_records(model, load_scenario(case), [Record.from_json(row) for row in rows], case / "found.jsonl")
"""


def test_a_second_run_makes_no_call(case, some, remote) -> None:
    records = some(40)
    with Misbehaving() as server:
        first = list(remote(server.url).predict(case, "kind", records))
        calls = len(server.bodies)
        again = remote(server.url)
        second = list(again.predict(case, "kind", records))
    assert calls == 40 and len(server.bodies) == 40
    assert sorted(second, key=lambda p: p.id) == sorted(first, key=lambda p: p.id)
    assert again.costs.calls == 0


def test_ten_thousand_answers_are_found_without_a_service(case, remote) -> None:
    model = remote("http://127.0.0.1:9/v1")
    records = [
        Record(id=f"r{n}", task="kind", input={"text": f"m {n}"}, answer=Answer(label="w30"))
        for n in range(10_000)
    ]
    model._cache._base.execute("BEGIN")
    for question in questions(case, case.tasks["kind"], records):
        model._cache.keep(
            question.key(model.endpoint), "small", Reply(text="w31", finish="stop", model="small")
        )
    model._cache._base.execute("COMMIT")
    assert {p.id for p in model.predict(case, "kind", records) if p.answer.label == "w31"} == {
        r.id for r in records
    }


def test_equal_prompts_share_a_call(case, some, remote) -> None:
    [record] = some(1)
    twins = [record, replace(record, id="twin")]
    with Misbehaving() as server:
        predictions = list(remote(server.url).predict(case, "kind", twins))
    assert sorted(p.id for p in predictions) == ["r0", "twin"]
    assert len(server.bodies) == 1


def test_the_key_covers_all_that_decides_the_answer(case, some) -> None:
    def key(task: Task, endpoint: Endpoint, record: Record) -> bytes:
        [question] = questions(case, task, [record])
        return question.key(endpoint)

    [record] = some(1)
    base = Endpoint(base_url="http://h/v1", model="m")
    task = case.tasks["kind"]
    longer = task.model_copy(update={"max_answer_tokens": 99})
    other = task.model_copy(update={"instruction": "Look closely."})
    keys = [
        key(task, base, record),
        key(task, replace(base, model="n"), record),
        key(task, replace(base, base_url="http://g/v1"), record),
        key(task, replace(base, options={"seed": 1}), record),
        key(longer, base, record),
        key(other, base, record),
        key(task, base, some(2)[1]),
    ]
    assert len(set(keys)) == len(keys)
    same = replace(base, base_url="http://h/v1/", key_variable="OTHER", most_at_once=3, answer_seconds=1)
    assert key(task, same, record) == keys[0]


def test_a_reply_survives_packing() -> None:
    token = Token("有".encode()[:2], -0.25, ((b"\xe6\x9c", -0.25), (b"no", -1.5)))
    reply = Reply(
        text="有", finish="stop", model="m", prompt_tokens=7, answer_tokens=1, tokens=(token,), seconds=0.5
    )
    assert Reply.from_bytes(reply.to_bytes()) == reply
    assert Reply.from_bytes(replace(reply, tokens=None).to_bytes()).tokens is None


def test_tokens_behind_the_label_are_not_kept() -> None:
    tokens = tuple(Token(piece, -0.1, ()) for piece in (b"ab", b"cd", b"ef"))
    reply = Reply(text="abcdef", finish="stop", model="m", tokens=tokens)
    assert reply.with_tokens_up_to(3).tokens == tokens[:2]
    assert reply.with_tokens_up_to(0).tokens is None


def test_a_file_that_is_no_cache_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_text("not a database, but long enough to be taken for one " * 40)
    with pytest.raises(ExternalError, match=r"answers\.sqlite' can't be used"):
        AnswerCache(path)


def test_only_the_owner_reads_the_answers(tmp_path: Path) -> None:
    AnswerCache(tmp_path / "deep" / "answers.sqlite").close()
    assert os.stat(tmp_path / "deep" / "answers.sqlite").st_mode & 0o077 == 0


def test_kill_9_loses_only_calls_in_flight(case, some, tmp_path: Path) -> None:
    records = some(60)
    (tmp_path / "rows.json").write_text(json.dumps([record.to_json() for record in records]))
    with Misbehaving(seconds=0.06) as server:
        for target in (10, 30):
            process = _start(tmp_path, server.url)
            end = time.monotonic() + PROCESS_SECONDS
            while len(server.answered) < target:
                assert process.poll() is None and time.monotonic() < end
                time.sleep(0.005)
            kill(process)
            time.sleep(0.15)
            lost = sum(server.answered.values()) - _kept(tmp_path)
        assert lost <= 2 * 8
        process = _start(tmp_path, server.url)
        finish(process)
        assert process.returncode == 0
    rows = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert sorted(row["id"] for row in rows) == sorted(record.id for record in records)
    assert all("error" not in row for row in rows)
    assert sum(server.answered.values()) == len(records) + lost


def _start(case: Path, url: str) -> subprocess.Popen[bytes]:
    return start([sys.executable, "-c", ASK, str(case), url], stderr=subprocess.DEVNULL)


def _kept(case: Path) -> int:
    base = sqlite3.connect(case / "cache.sqlite")
    [(count,)] = base.execute("SELECT count(*) FROM answers")
    base.close()
    return int(count)


def test_the_model_needs_no_torch() -> None:
    code = "import sys; import sftloop.models.remote; print('torch' in sys.modules, 'httpx2' in sys.modules)"
    done = run([sys.executable, "-c", code], check=True)
    assert done.stdout.split() == ["False", "False"]
    assert RemoteModel.__name__ == "RemoteModel"

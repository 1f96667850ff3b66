"""A service that fails: no record is lost or doubled, and what can't be mended is said once."""

from __future__ import annotations

import socket
import threading
from itertools import pairwise

import pytest
from tests.servers.misbehaving import Misbehaving

from sftloop.core.errors import ExternalError
from sftloop.models.remote import BudgetSpentError, background, client

ALL_FAULTS = ["500", "cut", "malformed", "503", "429", "hang", "502", "408", "slow"]


def test_every_record_gets_one_answer_whatever_happens(case, some, remote) -> None:
    faults = {"500": 0.08, "cut": 0.08, "malformed": 0.08, "429": 0.08, "slow": 0.05, "hang": 0.01}
    records = some(80)
    with Misbehaving(script=ALL_FAULTS, faults=faults, retry_after="0.01", capacity=12) as server:
        predictions = list(remote(server.url, answer_seconds=2).predict(case, "kind", records))
    assert sorted(p.id for p in predictions) == sorted(r.id for r in records)
    assert all(p.error is None and p.answer.label == "w30" and p.format_valid for p in predictions)
    assert set(server.answered.values()) == {1}
    assert {"429", "500", "cut", "hang"} <= set(server.statuses)


def test_a_record_that_always_fails_keeps_its_reason_and_the_others_their_answers(case, some, remote) -> None:
    def fate(body):
        return "500" if body["messages"][-1]["content"].endswith("message 3") else None

    with Misbehaving(fate_of=fate) as server:
        predictions = {p.id: p for p in remote(server.url).predict(case, "kind", some(8))}
    assert predictions["r3"].error == "6 tries failed, the last with 500: scripted"
    assert predictions["r3"].answer is None
    assert [p.error for p in predictions.values()].count(None) == 7
    assert len(server.bodies) == 7 + 6


def test_a_call_that_hangs_is_made_again(case, some, remote) -> None:
    with Misbehaving(script=["ok", "hang"]) as server:
        [first, second] = remote(server.url, answer_seconds=2).predict(case, "kind", some(2))
    assert first.error is None and second.error is None
    assert server.statuses == {"200": 2, "hang": 1}


def test_nothing_is_sent_while_the_service_asks_to_wait(case, some, remote) -> None:
    with Misbehaving(script=["ok", "ok", "429"], retry_after="0.4") as server:
        predictions = list(remote(server.url).predict(case, "kind", some(12)))
    assert [p.error for p in predictions] == [None] * 12
    assert max(after - before for before, after in pairwise(server.times)) >= 0.38


def test_a_wrong_key_is_one_error_that_does_not_show_the_key(case, some, remote, monkeypatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-secret-0815")
    with Misbehaving(key="right") as server, pytest.raises(ExternalError) as caught:
        list(remote(server.url, key_variable="OTHER_KEY").predict(case, "kind", some(50)))
    assert "doesn't accept the key in OTHER_KEY" in str(caught.value)
    assert "Incorrect API key provided: …" in str(caught.value)
    assert "sk-secret" not in repr(caught.value) + str(caught.value)
    assert caught.value.exit_code == 3
    assert len(server.bodies) == 1


def test_the_right_key_is_sent_and_written_nowhere(case, some, remote, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-0815")
    with Misbehaving(key="sk-secret-0815", answer=lambda body: "w30 sk-secret-0815") as server:
        [prediction] = remote(server.url).predict(case, "kind", some(1))
    assert prediction.text == "w30 …"
    assert all(b"sk-secret" not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_key_with_a_slash_is_taken_out_escaped_too(case, some, remote, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk/secret/0815")
    with Misbehaving(key="right", escapes=True) as server, pytest.raises(ExternalError) as caught:
        list(remote(server.url).predict(case, "kind", some(1)))
    assert "provided: …" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_placeholder_for_a_key_may_be_a_word_of_the_answer(case, some, remote, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "w30")
    with Misbehaving(key="w30") as server:
        [prediction] = remote(server.url).predict(case, "kind", some(1))
    assert prediction.text == "w30"


def test_a_key_that_cannot_be_one_is_refused_without_showing_it(case, some, remote, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-schlüssel")
    with (
        Misbehaving() as server,
        pytest.raises(Exception, match="holds characters that no key has") as caught,
    ):
        list(remote(server.url).predict(case, "kind", some(1)))
    assert "schl" not in str(caught.value)


def test_a_wrong_model_is_one_error_that_names_the_right_one(case, some, remote) -> None:
    with Misbehaving(model="small-2") as server, pytest.raises(ExternalError) as caught:
        list(remote(server.url, model="smal-2").predict(case, "kind", some(50)))
    assert "has no model 'smal-2'" in str(caught.value)
    assert "Did you mean 'small-2'?" in str(caught.value)
    assert len(server.bodies) == 1


def test_another_model_than_asked_for_is_told_once(case, some, remote, capsys) -> None:
    with Misbehaving(script=["other_name"] * 3) as server:
        assert len(list(remote(server.url).predict(case, "kind", some(3)))) == 3
    assert capsys.readouterr().err.count("says it is 'another'") == 1


@pytest.mark.parametrize(
    ("script", "path", "message"),
    [
        ([], "/v2", "isn't where this API is"),
        (["html"], "/v1", "answers with a web page"),
        (["402"], "/v1", "account at"),
    ],
)
def test_what_no_other_call_mends_ends_the_run(case, some, remote, script, path, message) -> None:
    with Misbehaving(script=script) as server, pytest.raises(ExternalError, match=message):
        list(remote(server.url.replace("/v1", path)).predict(case, "kind", some(20)))
    assert len(server.bodies) <= 1


def test_an_address_where_nothing_listens(case, some, remote) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(ExternalError, match="can't be reached"):
            list(remote(url).predict(case, "kind", some(20)))


def test_a_service_that_only_fails_is_one_error_and_no_record_is_blamed(case, some, remote) -> None:
    yielded = []
    with (
        Misbehaving(faults={"500": 1.0}) as server,
        pytest.raises(ExternalError, match="10 records in a row"),
    ):
        yielded.extend(remote(server.url).predict(case, "kind", some(40)))
    assert yielded == []


def test_a_service_that_wants_no_call_at_all_is_one_error(case, some, remote) -> None:
    with (
        Misbehaving(faults={"400": 1.0}) as server,
        pytest.raises(ExternalError, match="in a row: 400: script"),
    ):
        list(remote(server.url).predict(case, "kind", some(40)))
    assert len(server.bodies) <= 11


def test_many_records_that_are_not_wanted_keep_their_reasons_once_one_was_answered(
    case, some, remote
) -> None:
    with Misbehaving(script=["ok"], faults={"400": 1.0}) as server:
        predictions = list(remote(server.url).predict(case, "kind", some(40)))
    assert [p.error for p in predictions].count("400: scripted") == 39


def test_answers_before_the_end_are_yielded_and_kept(case, some, remote) -> None:
    yielded = []
    with Misbehaving(script=["ok"] * 5, faults={"401": 1.0}) as server:
        with pytest.raises(ExternalError, match="doesn't accept the key"):
            for prediction in remote(server.url).predict(case, "kind", some(30)):
                yielded.append(prediction.id)
        assert len(yielded) == 5
        server.faults = {}
        assert len(list(remote(server.url).predict(case, "kind", some(30)))) == 30
    assert set(server.answered.values()) == {1}


def test_no_wait_asked_for_is_no_reason_to_hurry(case, some, remote, monkeypatch) -> None:
    pauses = []
    monkeypatch.setattr(client, "_pause", lambda tries: pauses.append(tries) or 0.0)
    with Misbehaving(script=["429"] * 3, retry_after="0") as server:
        [prediction] = remote(server.url).predict(case, "kind", some(1))
    assert prediction.error is None and pauses == [1, 2, 3]


def test_a_long_wait_is_not_waited(case, some, remote) -> None:
    with Misbehaving(script=["429"], retry_after="86400") as server:
        with pytest.raises(ExternalError, match="asks to wait 1440 minutes"):
            list(remote(server.url).predict(case, "kind", some(3)))


def test_leaving_early_stops_asking(case, some, remote) -> None:
    with Misbehaving(seconds=0.02) as server:
        predictions = remote(server.url, most_at_once=2).predict(case, "kind", some(200))
        next(predictions)
        predictions.close()
        assert len(server.bodies) < 20
        assert issubclass(BudgetSpentError, ExternalError)


def test_a_thread_that_ended_leaves_nobody_waiting(case, some, remote, monkeypatch) -> None:
    monkeypatch.setattr(background, "_LOOK_SECONDS", 0.05)
    with Misbehaving(seconds=30.0) as server:
        model = remote(server.url)
        loop = model._background._started()
        threading.Timer(0.2, lambda: loop.call_soon_threadsafe(loop.stop)).start()
        with pytest.raises(ExternalError, match="thread that asks the service has ended"):
            list(model.predict(case, "kind", some(1)))
        monkeypatch.setattr(background, "_PATIENCE_SECONDS", 0.05)
        model.close()

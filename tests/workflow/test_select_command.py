"""`sftloop select`: each mode through the command line, its files, its proof, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sftloop.cli.select_ import _print
from tests.command import call

KEYS = {"mode", "n_in", "n_out", "selected", "scores", "baselines", "curve"}


def ids_of(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def selected(case: Path, mode: str, *arguments: str | Path) -> dict:
    result = call("select", mode, case, "--out", mode, "--json", *arguments, cwd=case)
    assert result.returncode == 0, result.stderr
    found: dict = json.loads(result.stdout)
    assert KEYS <= set(found)
    assert found["mode"] == mode
    assert len(ids_of(case / found["selected"])) == found["n_out"]
    for name, path in found["baselines"].items():
        assert len(set(ids_of(case / path))) == found["n_out"], name
    assert (case / mode / "select.html").stat().st_size > 5_000
    return found


@pytest.mark.parametrize("by", [["--no-model"], []])
def test_prune_keeps_as_many_as_asked_and_every_label(own_case: Path, by: list[str]) -> None:
    found = selected(own_case, "prune", "--n", "30", *by)
    assert (found["n_in"], found["n_out"]) == (96, 30)
    train = ids_of(own_case / "train.jsonl")
    kept = ids_of(own_case / found["selected"])
    assert kept == [each for each in train if each in set(kept)], "the file's order stays"
    assert set(ids_of(own_case / found["scores"])) == set(train)
    assert {"random", "balanced", "longest", "bm25"} <= set(found["baselines"])
    assert all(counts["after"] for labels in found["labels"].values() for counts in labels.values())
    coverage = [point["coverage"] for point in found["curve"]]
    assert coverage == sorted(coverage)
    assert coverage[-1] == pytest.approx(1, abs=1e-6)


def test_a_proof_trains_every_selection_once(own_case: Path) -> None:
    arguments = ["--n", "40", "--no-model", "--prove", "--seeds", "2", "--epochs", "1", "--task", "kind"]
    found = selected(own_case, "prune", *arguments)
    [proof] = found["proof"]
    assert [row["name"] for row in proof["rows"]] == ["selected", "random", "balanced", "longest", "bm25"]
    assert all(len(row["values"]) == 2 and row["low"] <= row["mean"] <= row["high"] for row in proof["rows"])
    assert [verdict["against"] for verdict in proof["verdicts"]] == ["random", "balanced", "longest", "bm25"]
    assert found["model"] is None and found["how"]["compared_by"] == "n-grams", "the model was only trained"
    trained = found["trained"]
    assert (trained["method"], trained["epochs"], trained["seeds"]) == ("lora", 1, [0, 1])
    assert (trained["learning_rate"], trained["measured_on"]) == (0.01, "test")
    weights = own_case / "prune/proof/selected-0/train/adapter/adapter_model.safetensors"
    stamp = weights.stat().st_mtime_ns
    again = selected(own_case, "prune", *arguments)
    assert weights.stat().st_mtime_ns == stamp
    assert again["proof"] == found["proof"]


def test_a_proof_against_one_baseline(own_case: Path) -> None:
    arguments = ["--n", "40", "--no-model", "--prove", "--seeds", "1", "--epochs", "1", "--task", "kind"]
    found = selected(own_case, "prune", *arguments, "--against", "random")
    [proof] = found["proof"]
    assert [row["name"] for row in proof["rows"]] == ["selected", "random"]
    assert {"random", "balanced", "longest", "bm25"} <= set(found["baselines"]), "all are written"
    refused = call("select", "prune", own_case, *arguments, "--against", "dsir", "--out", "o", cwd=own_case)
    assert refused.returncode == 2 and "'dsir'" in refused.stderr and not (own_case / "o").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--prove-on", "dev"], "'dev'"),
        (["--set", "optimizer=adam"], "adam"),
        (["--task", "kind"], "validation"),
    ],
)
def test_a_proof_that_can_not_be_made_is_refused_before_anything_is_read(
    own_case: Path, arguments: list[str], told: str
) -> None:
    if told == "validation":
        (own_case / "validation.jsonl").unlink()
    refused = call(
        "select", "prune", own_case, "--n", "40", "--prove", "--out", "o", *arguments, cwd=own_case
    )
    assert refused.returncode in {2, 4} and told in refused.stderr, refused.stderr
    assert "Reading" not in refused.stderr and not (own_case / "o").exists()


def test_filter_finds_the_scenario_s_kind_of_text_in_a_mixed_pool(own_case: Path) -> None:
    meant = [{"id": f"m{n}", "text": f"w50 w{60 + n % 50} w{61 + n % 40} w51"} for n in range(40)]
    other = [
        {"id": f"o{n}", "text": f"w130 w{131 + n % 20} w{135 + n % 20} w{140 + n % 15}"} for n in range(200)
    ]
    (own_case / "pool").mkdir()
    (own_case / "pool/a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*meant[:20], *other]))
    (own_case / "pool/b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in meant[20:]))
    found = selected(own_case, "filter", "--pool", "pool", "--n", "30", "--no-model")
    chosen = ids_of(own_case / found["selected"])
    assert found["n_in"] == 240
    assert sum(each.startswith("m") for each in chosen) >= 28
    random = ids_of(own_case / found["baselines"]["random"])
    assert sum(each.startswith("m") for each in random) <= 15
    assert [stage["n_out"] for stage in found["stages"]][-1] == 30


def test_filter_leaves_out_what_the_scenario_has_and_tells_equal_ids_apart(own_case: Path) -> None:
    test = [*map(json.loads, (own_case / "test.jsonl").read_text().splitlines())]
    known = [{"id": str(n), "text": row["input"]["text"].upper()} for n, row in enumerate(test)]
    other = [{"id": str(n), "text": f"w50 w{60 + n % 50} w{61 + n % 40} extra {n}"} for n in range(60)]
    for name, rows in (("known", known), ("other", other)):
        (own_case / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = selected(
        own_case, "filter", "--pool", "known.jsonl", "--pool", "other.jsonl", "--n", "10", "--no-model"
    )
    assert found["known"] == len(known)
    for path in (found["selected"], *found["baselines"].values()):
        rows = [*map(json.loads, (own_case / path).read_text().splitlines())]
        assert all("extra" in row["text"] for row in rows)


def test_a_proof_on_the_records_that_chose_is_refused(own_case: Path) -> None:
    for arguments in (["--target", "test"], ["--prove-on", "train"], ["--prove-on", "validation"]):
        refused = call("select", "attribute", own_case, "--prove", *arguments, cwd=own_case)
        assert refused.returncode == 2 and "--prove-on" in refused.stderr, refused.stderr
    proved = ["--prove", "--prove-on", "test", "--seeds", "1", "--epochs", "1", "--against", "random"]
    found = selected(own_case, "attribute", "--task", "kind", "--n", "24", "--seed", "5", *proved)
    assert found["trained"]["seeds"] == [5] and (own_case / "attribute/proof/random-5").is_dir()
    scores = own_case / "attribute/help.npy"
    stamp = scores.stat().st_mtime_ns
    again = selected(own_case, "attribute", "--task", "kind", "--n", "24", "--seed", "5", *proved)
    assert scores.stat().st_mtime_ns == stamp and again["proof"] == found["proof"]


def test_a_difference_without_an_interval_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"name": "selected", "mean": 1.0, "low": None, "high": None}
    verdict = {"against": "random", "difference": 1.0, "low": None, "high": None, "verdict": "inconclusive"}
    task = {"task": "t", "metric": "accuracy", "rows": [row], "verdicts": [verdict]}
    _print({"mode": "prune", "n_out": 1, "n_in": 2, "proof": [task], "selected": "s", "page": "p"})
    assert "against random: +1.000 no interval, inconclusive" in capsys.readouterr().out


@pytest.mark.parametrize("by", ["less", "loss-drop"])
def test_attribute_scores_every_record(own_case: Path, by: str) -> None:
    found = selected(own_case, "attribute", "--by", by, "--n", "24", "--task", "kind")
    assert (found["n_in"], found["n_out"]) == (72, 24)
    rows = [*map(json.loads, (own_case / found["scores"]).read_text().splitlines())]
    scores = {row["id"]: row["score"] for row in rows}
    kept = set(ids_of(own_case / found["selected"]))
    assert kept == {row["id"] for row in rows if row["kept"]}
    records = [*map(json.loads, (own_case / "train.jsonl").read_text().splitlines())]
    labels = {row["id"]: row["answer"]["label"] for row in records if row["task"] == "kind"}
    for label, counts in found["labels"]["kind"].items():
        assert abs(counts["before"] - 3 * counts["after"]) < 3, "each label keeps its share"
        own = {each for each in scores if labels[each] == label}
        assert min(scores[each] for each in own & kept) >= max(scores[each] for each in own - kept)
    assert found["top"][0]["score"] == max(scores.values())
    assert found["bottom"][0]["score"] == min(scores.values())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["prune", "--n", "96"], ["96"]),
        (["prune", "--n", "5", "--coverage", "0.5"], ["--n", "--coverage"]),
        (["attribute", "--no-model"], ["model"]),
        (["attribute", "--target", "dev"], ["'dev'"]),
        (["filter", "--pool", "empty", "--n", "3", "--no-model"], ["'empty'", ".jsonl"]),
        (["filter", "--pool", "none.jsonl", "--n", "3", "--no-model"], ["'none.jsonl'", "does not exist"]),
        (["filter", "--pool", "bad.jsonl", "--n", "3", "--no-model"], ["bad.jsonl:2"]),
        (["filter", "--pool", "fine.jsonl", "--n", "1", "--no-model", "--rerank"], ["--rerank"]),
    ],
)
def test_what_cannot_be_selected_is_refused(
    own_case: Path, refused: Callable[..., str], arguments: list[str], told: list[str]
) -> None:
    (own_case / "empty").mkdir()
    (own_case / "bad.jsonl").write_text('{"text": "w50"}\n{"text": \n')
    (own_case / "fine.jsonl").write_text('{"text": "w50"}\n')
    mode, *rest = arguments
    message = refused("select", mode, own_case, *rest, "--out", own_case.parent / "out", cwd=own_case)
    assert all(each in message for each in told), message


def test_a_proof_of_rows_without_answers_says_what_is_missing(own_case: Path) -> None:
    (own_case / "pool.jsonl").write_text(
        "".join(f'{{"id": "p{n}", "text": "w50 w{60 + n}"}}\n' for n in range(9))
    )
    result = call(
        "select",
        "filter",
        own_case,
        "--pool",
        "pool.jsonl",
        "--n",
        "3",
        "--prove",
        "--out",
        "out",
        cwd=own_case,
    )
    assert result.returncode == 2
    assert "is no record of the scenario" in result.stderr


def test_a_proof_of_a_pool_without_text_is_refused_as_without_one(own_case: Path) -> None:
    (own_case / "pool.jsonl").write_text('{"id": "p0", "text": " "}\n')
    asked = ("select", "filter", own_case, "--pool", "pool.jsonl", "--n", "3", "--no-model")
    plain = call(*asked, "--out", "plain", cwd=own_case)
    proved = call(*asked, "--prove", "--out", "proved", cwd=own_case)
    assert plain.returncode == proved.returncode == 2
    assert proved.stderr.splitlines()[-2:] == plain.stderr.splitlines()[-2:]

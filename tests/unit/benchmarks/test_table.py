"""Rows, spreads and ratios of the training benchmark, on measurements with known answers."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.table import (
    DISTURBED,
    CaseFacts,
    Sample,
    build_rows,
    render,
    results,
    spread,
    with_other_cases,
)

PEAKS = {"fp32": 200.0, "bf16": 100.0}
CASE = CaseFacts(
    name="long",
    model="tiny",
    prefix_tokens=430,
    tokens_per_record=463.04,
    batch=8,
    flops_per_record={"shared": 10.0, "ordinary": 90.0},
    first_losses={"50": 2.0, "58": 1.6},
    note="a note",
)


def measured(
    system: str, setting: str, repeat: int, seconds: float, memory: int = 10, **other: Any
) -> Sample:
    facts = {
        "dtype": "fp32" if setting == "auto" else setting,
        "version": "1.0",
        "records": 64,
        "seconds_per_record": seconds,
        "cpu_seconds_per_record": 2 * seconds,
        "disturbance": 0.0,
        "peak_memory_bytes": memory,
        "weights": "float32",
        "losses": [2.0, 1.0],
        "target_tokens": 50,
        **other,
    }
    return Sample(case="long", system=system, setting=setting, repeat=repeat, facts=facts)


def failed(system: str, setting: str, repeat: int) -> Sample:
    return Sample(
        case="long", system=system, setting=setting, repeat=repeat, facts={"error": "killed by the system"}
    )


def rows_of(*samples: Sample) -> list[dict[str, Any]]:
    return build_rows(samples, {"long": CASE}, PEAKS)


def test_another_case_measured_earlier_stays() -> None:
    old = [
        {"case": case, "model": model, "system": "trl"}
        for case, model in (("short", "tiny"), ("long", "tiny"), ("long", "other"))
    ]
    earlier = {"machine": {"cpu": "old"}, "rows": list(old), "ratios": list(old)}
    found = {
        "machine": {"cpu": "new"},
        "rows": [{"case": "long", "model": "tiny", "system": "sftloop"}],
        "ratios": [],
    }
    joined = with_other_cases(found, earlier)
    assert joined["machine"] == {"cpu": "new"}
    assert joined["rows"] == [old[0], old[2], *found["rows"]]
    assert joined["ratios"] == [old[0], old[2]]
    assert with_other_cases(found, {}) == found


def test_spread_of_an_even_number_lies_between_the_middle_two() -> None:
    assert spread([4.0, 1.0, 2.0, 10.0]) == {"median": 3.0, "low": 1.0, "high": 10.0}


def test_row_holds_the_contract_and_the_spread_over_repeats() -> None:
    (row,) = rows_of(*(measured("sftloop", "auto", i, s) for i, s in enumerate([0.5, 0.25, 1.0])))
    assert row["system"] == "sftloop"
    assert (row["version"], row["model"], row["prefix_tokens"], row["batch"]) == ("1.0", "tiny", 430, 8)
    assert row["records_per_second"] == {"median": 2.0, "low": 1.0, "high": 4.0}
    assert row["seconds_per_record"] == {"median": 0.5, "low": 0.25, "high": 1.0}
    assert (row["repeats"], row["failed"], row["note"]) == (3, 0, "a note")


def test_memory_is_the_highest_of_all_repeats() -> None:
    (row,) = rows_of(measured("trl", "fp32", 0, 1.0, memory=7), measured("trl", "fp32", 1, 1.0, memory=9))
    assert row["peak_memory_bytes"] == 9


def test_peak_share_counts_what_each_way_of_training_needs_in_its_own_dtype() -> None:
    ours, plain, peer = rows_of(
        measured("sftloop", "auto", 0, 0.1),
        measured("sftloop-plain", "auto", 0, 0.9),
        measured("trl", "bf16", 0, 1.0),
    )
    assert ours["matrix_peak_share"] == pytest.approx(10 / 0.1 / 200)
    assert plain["matrix_peak_share"] == pytest.approx(90 / 0.9 / 200)
    assert peer["matrix_peak_share"] == pytest.approx(90 / 1.0 / 100)


def test_both_dtypes_are_rows_and_the_faster_one_is_marked() -> None:
    rows = rows_of(
        measured("trl", "fp32", 0, 2.0), measured("trl", "bf16", 0, 3.0), measured("trl", "fp32", 1, 2.2)
    )
    assert [(row["dtype"], row["fastest_setting"]) for row in rows] == [("fp32", True), ("bf16", False)]


def test_every_setting_tried_stands_beside_the_system() -> None:
    rows = build_rows(
        [measured("trl", "fp32", 0, 2.0, micro_batch=2), measured("trl", "bf16", 0, 3.0, micro_batch=8)],
        {"long": CASE},
        PEAKS,
        [measured("trl", "fp32", -1, 2.5, micro_batch=8), measured("trl", "fp32", -1, 2.1, micro_batch=2)],
    )
    assert [row["micro_batch"] for row in rows] == [2, 8]
    for row in rows:
        assert [(trial["dtype"], trial["micro_batch"]) for trial in row["settings_tried"]] == [
            ("fp32", 8),
            ("fp32", 2),
        ]


def test_ratios_pair_the_rounds_and_take_the_fastest_setting() -> None:
    rows = rows_of(
        measured("sftloop", "auto", 0, 1.0, memory=10),
        measured("trl", "fp32", 0, 6.0, memory=40),
        measured("trl", "bf16", 0, 9.0, memory=20),
        measured("sftloop", "auto", 1, 2.0, memory=10),
        measured("trl", "fp32", 1, 8.0, memory=40),
    )
    (ratio,) = results({}, rows, settings={})["ratios"]
    assert ratio["dtype"] == "fp32"
    assert ratio["times_slower"] == {"median": 5.0, "low": 4.0, "high": 6.0}
    assert ratio["times_the_memory"] == 4.0


def test_a_round_that_failed_on_one_side_is_left_out_of_the_pairs() -> None:
    rows = rows_of(
        failed("sftloop", "auto", 0),
        measured("trl", "fp32", 0, 100.0),
        measured("sftloop", "auto", 1, 1.0),
        measured("trl", "fp32", 1, 3.0),
    )
    (ratio,) = results({}, rows, settings={})["ratios"]
    assert ratio["times_slower"]["high"] == 3.0
    assert rows[0]["failed"] == 1


def test_a_system_that_never_ran_is_a_row_with_its_reason_and_no_ratio() -> None:
    rows = rows_of(measured("sftloop", "auto", 0, 1.0), failed("trl", "bf16", 0))
    assert rows[1]["error"] == "killed by the system"
    assert rows[1]["fastest_setting"] is False
    assert results({}, rows, settings={})["ratios"] == []
    assert "killed by the system" in render(rows)


def test_first_loss_is_held_against_the_same_learned_tokens() -> None:
    ours, peer, odd = rows_of(
        measured("sftloop", "auto", 0, 1.0),
        measured("trl", "fp32", 0, 1.0, target_tokens=58, losses=[1.68]),
        measured("llamafactory", "fp32", 0, 1.0, target_tokens=999),
    )
    assert ours["first_loss_difference"] == 0.0
    assert (peer["first_loss_expected"], peer["first_loss_difference"]) == (1.6, pytest.approx(0.05))
    assert odd["first_loss_difference"] is None


def test_result_file_has_the_keys_others_read() -> None:
    found = results({"cpu": "x"}, rows_of(measured("sftloop", "auto", 0, 1.0)), settings={"threads": 2})
    assert found["machine"] == {"cpu": "x"}
    contract = {
        "system",
        "version",
        "model",
        "prefix_tokens",
        "batch",
        "records_per_second",
        "peak_memory_bytes",
        "matrix_peak_share",
    }
    assert contract <= set(found["rows"][0])


def test_table_shows_ratios_and_marks_a_busy_machine() -> None:
    quiet = [measured("sftloop", "auto", 0, 0.5, memory=2_000_000_000)]
    busy = measured("trl", "fp32", 0, 4.0, memory=9_000_000_000, disturbance=DISTURBED + 0.01)
    text = render(rows_of(*quiet, busy)).splitlines()
    assert text[1].split() == ["long", "(430)", "sftloop", "fp32", "0.500", "(0.500–0.500)", "2.00", "10%"]
    assert text[2].split() == [
        *["long", "(430)", "trl", "fp32", "4.000", "(4.000–4.000)*", "8.00", "9.00", "4.50", "11%"]
    ]
    assert text[3].startswith("* other processes")
    assert len(render(rows_of(*quiet)).splitlines()) == 2

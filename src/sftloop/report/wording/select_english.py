"""The selection page's English."""

from __future__ import annotations

from sftloop.report.wording.audit_words import RecordWords
from sftloop.report.wording.select_how_words import ENGLISH as ENGLISH_HOW
from sftloop.report.wording.select_words import ModeWords, OutcomeWords, ProofWords, SelectWords
from sftloop.report.wording.words import Counted

_MODES = {
    "prune": ModeWords(
        name="Prune",
        kept="{n_out} of {n_in} records kept",
        top="Kept first",
        bottom="Dropped first",
        score="score {score}",
    ),
    "filter": ModeWords(
        name="Filter",
        kept="{n_out} of {n_in} records chosen for the scenario",
        top="Closest to the scenario",
        bottom="The last that were chosen",
        score="score {score}",
    ),
    "attribute": ModeWords(
        name="Attribute",
        kept="The {n_out} most helpful of {n_in} records",
        top="Most helpful",
        bottom="Most harmful",
        score="influence {score}",
    ),
}

ENGLISH = SelectWords(
    title="{scenario} · selection of records",
    eyebrow="Selection of records",
    heading="Outcome",
    modes=_MODES,
    own="this selection",
    baselines={
        "random": "random",
        "balanced": "balanced random",
        "balanced_random": "balanced random",
        "random_balanced": "balanced random",
        "longest": "the longest",
        "bm25": "BM25",
        "dsir": "DSIR",
        "all": "all records",
        "full": "all records",
    },
    how=ENGLISH_HOW,
    outcome=OutcomeWords(
        covering=", covering {coverage} of the whole",
        took="{n_out} of {n_in} records were chosen in {duration}.",
        better="better than {name} by {difference}",
        worse="worse than {name} by {difference}",
        no_better="no better than {names}",
        better_on="better than {names} on {k} of {n} tasks",
        better_on_none="better than {names} on none of {n} tasks",
        worse_on="worse on {k}",
        unproven="Whether they teach as much as their baselines was not measured; --prove trains on each of them.",
        measured="{metric} on {task}, mean of {seeds} trainings each.",
        measured_each="Measured on {n} tasks, mean of {seeds} trainings each.",
    ),
    proof=ProofWords(
        heading="Trained on it and on its baselines",
        intro="Each of them was trained on and measured in the same way.",
        picture="{task}: mean and 95% interval of each selection; the numbers are in the table below",
        system="Trained on",
        records="Records",
        mean="Mean",
        seeds="Each seed",
        table="{metric}, mean over the seeds with its 95% interval",
        badges={"better": "Better than", "worse": "Worse than", "inconclusive": "Not told apart from"},
        against="{name}: {difference} ({interval}; {p})",
    ),
    curve="How much of the whole the records cover",
    curve_hint="Coverage in percent over the number of records kept. The ring marks this selection.",
    curve_records="records",
    curve_large=(1_000, "thousand records"),
    stages="Stages",
    stage="Stage",
    stage_in="In",
    stage_out="Out",
    stage_seconds="Time",
    stages_hint="Each bar is what the stage was given; blue is what it let through.",
    stage_names={
        "ngrams": "n-grams",
        "dsir": "DSIR",
        "bm25": "BM25",
        "similarity": "similarity",
        "rerank": "rerank",
    },
    labels="Labels of {task}",
    label="Label",
    before="Before",
    after="After",
    kept="kept",
    removed="left out",
    labels_left_out=Counted("{n} more label is in select.json.", "{n} more labels are in select.json."),
    overlap="Overlap with the baselines",
    overlap_hint="Share of this selection that the baseline chose too. Where it is high, the cheap way "
    "finds nearly the same records.",
    overlap_share="Also chosen",
    baseline="Baseline",
    records="Records at both ends",
    records_intro="Read both sides: they show what the score rewards.",
    record=RecordWords(answer="Answer", empty="empty", region="Text of {id}"),
    files="Files",
    files_intro="Every set of records is ready to train on; the ids are kept.",
    selected="Selected records",
    scores="Scores",
)

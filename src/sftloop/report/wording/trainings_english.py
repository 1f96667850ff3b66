"""The English of the pages of `plan search`, `plan learning-curve` and `plan shrink`."""

from __future__ import annotations

from sftloop.report.wording.trainings_words import CurveWords, SearchWords, ShrinkWords, TrainingsWords
from sftloop.report.wording.words import Counted

_SEARCH = SearchWords(
    headlines={
        "better-searched": "The plan that was found beats the default plan: {differences}",
        "inconclusive-searched": "The plan that was found is ahead of the default plan, but it could be chance: "
        "{differences}",
        "mixed-searched": "The plan that was found is better on some tasks and worse on others: {differences}",
        "worse-searched": "The plan that was found is ahead on the mean, yet worse where it is certain: "
        "{differences}",
        "better-default": "The default plan stays: the best trial is better on a task, but not on the whole: "
        "{differences}",
        "inconclusive-default": "No plan was found that beats the default plan: {differences}",
        "mixed-default": "The default plan stays: the best trial is better on some tasks and worse on others: "
        "{differences}",
        "worse-default": "The default plan stays: the best trial is worse: {differences}",
        "nothing_else-default": "The time sufficed for the default plan only",
    },
    difference="{task} {difference}",
    lead="{trials} trials in {duration} of {minutes} minutes; {stopped} of them were given up early.",
    fresh=Counted(
        "The finalists were trained again with {n} fresh seed each and compared on the validation "
        "records, which also "
        "chose them; the test records were not looked at.",
        "The finalists were trained again with {n} fresh seeds each and compared on the validation "
        "records, which also "
        "chose them; the test records were not looked at.",
    ),
    stale="No time was left to train the finalists with fresh seeds. The scores below are the ones that "
    "the plan was "
    "chosen by, the luckiest of many: they flatter it.",
    behind="No trial was ahead of the default plan, so none was trained again with fresh seeds.",
    finals="The finalists",
    finals_intro="Means over seeds; the intervals cover records and seeds.",
    plans={"searched": "found plan", "default": "default plan"},
    changes="What the found plan does otherwise",
    changes_intro="Everything else is as in the default plan.",
    key="Setting",
    keys={
        "batch_size": "batch size",
        "learning_rate": "learning rate",
        "epochs": "epochs",
        "rank": "rank",
        "alpha": "alpha",
        "alpha_over_rank": "alpha / rank",
        "warmup": "warm-up",
        "weight_decay": "weight decay",
        "optimizer": "optimizer",
        "virtual_tokens": "virtual tokens",
    },
    trials="The trials",
    trials_intro="First the batch size (the rate follows its square root), then the learning rate, then the rest. "
    "A "
    "trial goes on to more of the data only if it is among the best third so far.",
    progress="Score on the validation records, trained on all of the data",
    progress_hint="Each dot is a trial that was not given up; the line is the best so far. Mean of the tasks’ "
    "metrics.",
    best_so_far="best so far",
    trial="Trial",
    stage="Stage",
    stages={"default": "default", "batch": "batch size", "rate": "learning rate", "rest": "the rest"},
    values="Settings",
    as_default="as the default plan",
    score="Score on {share}",
    stopped="given up",
    trials_left_out=Counted("{n} more trial is in trainings.json.", "{n} more trials are in trainings.json."),
    plan="Plan",
    command="Train with it",
)

_CURVE = CurveWords(
    wins_throughout="{method} wins now, with twice and with ten times the data",
    one_task="{now}; {later}",
    wins="{method} wins {times}",
    open="can’t tell {method} from {others} {times}",
    several="{k} of {n} tasks have a clear winner now",
    lead="{methods} on 1/8, 1/4, 1/2 and all of {records} records, {seeds} trainings each, measured on "
    "the {split}, in "
    "{duration}.",
    intro="Dots are measured, with intervals over records and seeds. Lines are saturating power laws; their bands "
    "widen beyond the data.",
    picture="{task}: learning curves; the numbers are in the tables below",
    hint="Right of 1× everything is foretold. The band is the 95% interval of the curve.",
    across="times {n} records",
    times={1: "now", 2: "with twice the data", 10: "with ten times the data"},
    badge_wins="Clear",
    badge_open="Can’t tell",
    said_wins="{times}: {method} wins: {others}",
    said_open="{times}: {method} is ahead, but not surely: {others}",
    against="{difference} against {name} ({interval}; {p})",
    measured="measured",
    foretold="foretold",
    method="Method",
    records="Records",
    limit="With endless data",
    table="{metric}, measured on all of the data and foretold",
    points="{metric}, measured",
    one_seed="One seed: chance in training is not covered by any interval here. Give --seeds 3.",
    few_records="The smallest share has only {n} records of this task; its point says little.",
    failed="{method} on {share} of the data, seed {seed}, could not be trained and is left out: {why}",
)

_SHRINK = ShrinkWords(
    smallest="{model} is the smallest that surely meets the targets",
    none="No model surely meets the targets",
    lead=Counted(
        "{n} model was fine-tuned, {seeds} trainings, measured on the {split}, in {duration}.",
        "{n} models were fine-tuned, from large to small, {seeds} trainings each, measured on the {split}, in "
        "{duration}.",
    ),
    untried="Not tried, as a larger one already misses: {names}.",
    means="Surely met: the lower end of the interval over records and seeds reaches the target. Met: the "
    "mean does.",
    targets="Targets",
    states={"sure": "Surely met", "met": "Met, maybe by luck", "missed": "Missed", "failed": "Failed"},
    target="{model}: {what} {value}, surely {low}; asked for {wanted}",
    undefined="{model}: {what} is undefined with some seed; asked for {wanted}",
    of_label="{metric} of “{label}”",
    models="The models",
    model="Model",
    parameters="Parameters",
    spread="Seeds’ spread",
    training="Training",
    answering="Per answer",
    failed="{model} could not be trained: {why}",
    wanted="{task}: {metric}; asked for {wanted}",
)

ENGLISH = TrainingsWords(
    titles={
        "search": "{scenario} · search for a plan",
        "learning_curve": "{scenario} · learning curves",
        "shrink": "{scenario} · the smallest model",
    },
    eyebrows={
        "search": "Search for a plan",
        "learning_curve": "Learning curves",
        "shrink": "The smallest model",
    },
    heading="Outcome",
    notes="Worth knowing",
    files="Files",
    mean="Mean",
    seeds="Each seed",
    table="{metric}, mean over the seeds with its 95% interval",
    picture="{task}: mean and 95% interval; the numbers are in the table below",
    badges={"better": "Better", "worse": "Worse", "inconclusive": "Not told apart"},
    against="{difference} against the {name} ({interval}; {p})",
    seconds="Time",
    splits={"train": "training records", "validation": "validation records", "test": "test records"},
    search=_SEARCH,
    curve=_CURVE,
    shrink=_SHRINK,
)

"""The comparison's English."""

from __future__ import annotations

from sftloop.report.wording.compare_words import (
    CompareWords,
    DecisionWords,
    MatrixWords,
    PairWords,
    RecordsWords,
)
from sftloop.report.wording.words import Counted

ENGLISH = CompareWords(
    title="{scenario} · comparison",
    eyebrow="Comparison",
    heading="Decision",
    asked=Counted("{n} record of {split}", "{n} records of {split}"),
    systems=Counted("{n} system", "{n} systems"),
    left_out="Left out: {what} ({why}).",
    decision=DecisionWords(
        use={
            "classifier": "A linear classifier does: {name}",
            "model": "{name} does as it is, without fine-tuning",
            "adapter": "Use the fine-tuned model: {name}",
            "api": "Use the API: {name}",
        },
        untargeted="The best of these is {name} as it is",
        api_cost=", at {cost} per 1,000 records",
        meets_api="The API {name} meets the target",
        misses=Counted("Nothing meets the target", "Nothing meets all {n} targets"),
        nothing="No system answers every task",
        scored="{task}: {metric} {value} ({range}).",
        unscored="{task}: {metric} could not be measured.",
        target_sure="{task}: {what} {value}, where {wanted} was asked; the worse end of its 95% interval "
        "({low}) reaches that too.",
        target_unsure="{task}: {what} {value}, where {wanted} was asked; the worse end of its 95% interval is "
        "{low}, so more records would make this sure.",
        target_missed="{task}: {what} {value}, where {wanted} was asked.",
        nearest="{name} comes nearest.",
        also_meet="{names} would do too; the simplest was taken.",
        alone_meets="No other system gets there.",
        best="It is the best of {n} systems.",
        also_best="Not told apart from it: {names}.",
        unsettled="Far behind it, but on so few records not told apart from it: {names}.",
        as_good="It is simpler than {leader}, the best, and not told apart from it.",
        lead="{task}: {leader} leads by {difference} ({interval}), which could be chance.",
        blind="A difference below {detectable} would probably not have shown.",
        split="No system is among the best on every task; {name} is behind on the fewest.",
        price="It costs {cost} per 1,000 records.",
        price_right="It costs {cost} per 1,000 records, {right} per correct answer.",
        unknown_price="What it costs is unknown: no price was given.",
        time="1,000 records take it {duration} here.",
        no_target="No target is stated (“target” in scenario.yaml), so whether that is enough stays open.",
        tune_too="No fine-tuned model was compared: fine-tune {base} next.",
        tune_or_pay="No fine-tuned model was compared: fine-tuning {base} may spare the API.",
        tune_next="Next: fine-tune {base}, the best of the open models.",
        more_next="Next: more training records, or a larger base model.",
    ),
    matrix=MatrixWords(
        heading="Systems",
        intro="All were asked the same records. Values carry 95% intervals; the best of each task is in bold.",
        caption=Counted("Quality on {n} task, speed and cost", "Quality on {n} tasks, speed and cost"),
        system="System",
        kinds={"classifier": "classifier", "model": "as it is", "adapter": "fine-tuned", "api": "API"},
        seeds=Counted("{n} seed", "{n} seeds"),
        valid="Valid format",
        latency="Latency",
        tail="95th pct. {value}",
        tokens="Tokens per record",
        cost="Cost per 1,000",
        per_right="{value} per correct",
        time="Time per 1,000",
        failed=Counted("{n} call failed", "{n} calls failed"),
        marks={
            "best": "the best",
            "better": "better than the best",
            "worse": "worse than the best",
            "inconclusive": "not told apart from the best",
        },
        met="target met",
        missed="target not met",
        unanswered=Counted(
            "{name} gave no answer to {n} record: it counts neither as right nor as wrong. The same command asks "
            "again for it alone.",
            "{name} gave no answer to {n} records: they count neither as right nor as wrong. The same command "
            "asks again for these alone.",
        ),
        latency_note="Latency is the time per answer, its median and 95th percentile: on this machine the "
        "share of a batch, behind an API the whole call. Costs are list prices of the API; systems on this "
        "machine cost time.",
        picture="{task}: every system’s value with its 95% interval; the numbers are in the table above",
    ),
    pairs=PairWords(
        heading="Against the best",
        intro="Paired on the same records. p is corrected for all pairs of systems on the task (Holm), so it "
        "holds although the best was picked by looking. Intervals are each pair’s own.",
        caption="{task}: {metric} compared with {best}",
        system="System",
        difference="Difference",
        p="p, corrected",
        verdict="Verdict",
        verdicts={"better": "Better", "worse": "Worse", "inconclusive": "Inconclusive"},
        detectable="Detectable",
        more="More records",
        more_hint="Detectable: the smallest true difference that this number of records finds 8 times in 10. More "
        "records: how many beyond these would settle the difference that was seen, if it is real.",
        far="over {n}",
        all_tests=Counted(
            "{n} comparison of two systems in all; compare.json holds it.",
            "{n} comparisons of two systems in all; compare.json holds every one.",
        ),
    ),
    records=RecordsWords(
        heading="Record by record",
        intro=Counted(
            "On {differ} of {n} record the systems’ answers differ.",
            "On {differ} of {n} records the systems’ answers differ.",
        ),
        only_differ="Only where they differ",
        task="Task",
        all_tasks="all",
        wrong="Wrong by",
        any_system="any or none",
        keys="The keys j and k move from record to record.",
        gold="Expected",
        right="right",
        not_right="wrong",
        failed="call failed: {why}",
        no_answer="no answer",
        left_out=Counted(
            "{n} more record is not shown; side_by_side.json and the predictions hold them.",
            "{n} more records are not shown; side_by_side.json and the predictions hold them.",
        ),
        first_seed="Of systems with several seeds, the first one’s answers are shown.",
        region="Text of {id}",
    ),
)

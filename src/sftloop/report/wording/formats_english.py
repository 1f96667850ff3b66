"""The English of the page of `prompt improve --formats`."""

from __future__ import annotations

from sftloop.report.wording.formats_words import FormatsWords
from sftloop.report.wording.words import Counted

ENGLISH = FormatsWords(
    title="Formats of {scenario}",
    eyebrow="Format search",
    heading="Outcome",
    notes="To be considered",
    files="Files",
    join=" ",
    quoted="“{name}”",
    factors={
        "order": "Order of the sections",
        "labels": "Labels",
        "reason": "Reason",
        "answer": "Answer",
        "wording": "Built-in wording",
    },
    levels={
        "order": {
            "input_first": "input, then instruction",
            "instruction_first": "instruction, then input",
            "instruction_opens": "instruction on top",
            "input_opens": "input on top",
        },
        "labels": {"names": "names", "letters": "letters"},
        "reason": {"after": "reason last", "before": "reason first", "none": "no reason"},
        "answer": {"plain": "plain", "json": "JSON", "by task": "as each task says"},
        "wording": {"en": "English", "zh": "Chinese"},
    },
    accepted="{format} is better than the present format: {differences}",
    kept={
        "inconclusive": "The present format stays: no other one is significantly better",
        "mixed": "The present format stays: another one is better on a task, but not on the whole",
        "failed": "The present format stays: too many calls failed to accept another one",
        "nothing_else": "The present format stays: there was nothing to compare it with",
    },
    difference="{task} {difference}",
    against="{task}: {metric} {before} → {after}, {difference} ({interval}, {p} after Holm’s correction, "
    "{n} held-out records).",
    against_once="{task}: {metric} {before} → {after}, {difference} ({interval}, {p}, {n} records).",
    lead="{formats} formats were halved on up to {halving} validation records; the best {finalists} "
    "met the present "
    "one on {final} other validation records that no round had seen. It took {duration}.",
    detectable="{task}: with {n} records, a true difference of {detectable} or more would have been "
    "found 8 times in "
    "10.",
    not_detectable="{task}: {n} records are too few to find any difference reliably.",
    needed="The difference that was seen would need about {needed} records.",
    tested={
        "better": "On the test records, opened once for this format alone, it is better too: {told}",
        "worse": "On the test records, opened once for this format alone, it is worse: {told} Don’t take it on.",
        "inconclusive": "On the test records, opened once for this format alone, the difference could be chance: "
        "{told}",
    },
    no_test="The test records were not opened.",
    opened=Counted(
        "The test records were opened for {n} format.",
        "The test records were opened for {n} formats, with different budgets: the more often, the less "
        "they prove.",
    ),
    prefix_shorter="It shortens what all prompts share from {before} to {after} tokens, and what is not "
    "shared is "
    "computed again for every record: training and evaluation get slower.",
    prefix_longer="It changes what all prompts share from {before} to {after} tokens.",
    badges={"better": "better", "worse": "worse", "inconclusive": "could be chance"},
    finals="The finalists against the present format",
    finals_intro="On held-out validation records; every verdict is after Holm’s correction over all tests.",
    finalist="{n}. {name}. {told}",
    test="The test",
    test_intro="Opened for the accepted format only; one comparison, so nothing to correct for.",
    change="What to change in scenario.yaml",
    change_intro="The option --apply writes it.",
    applied="{file} was replaced; the file as it was is {backup}.",
    held_back="{file} was left as it is: on the test records the format is worse.",
    effects="What each choice does by itself",
    effects_intro="Means over all formats that share a choice, from the first round, where every format "
    "answered the "
    "same records. Differences are from the present choice, with 95% intervals over records; they are "
    "few, and not "
    "corrected for looking at several.",
    level="Choice",
    mean="Mean score",
    apart="From the present",
    present="present",
    formats="Formats",
    table="All formats",
    table_intro="Finalists and the present format on the held-out records, the others on the records of "
    "their last "
    "round: only figures on the same records compare. Shared tokens are those that all prompts of a "
    "task begin with; "
    "instruction and definitions in front of the input keep them many.",
    table_caption="Finalists and the present format first, then by round",
    format="Format",
    quality="{metric}",
    valid="Valid format",
    tokens="Tokens: prompt / answer",
    prefix="Shared tokens",
    shorter="fewer than at present",
    records="{n} records",
    held_out="held out",
    halving_only="halving",
    picture="Values of the finalists and the present format with intervals",
    left_out="Not tried: {name}: {why}.",
    rows_left_out=Counted(
        "{n} more format is in the JSON file beside.", "{n} more formats are in the JSON file beside."
    ),
    improved="Scenario with the accepted format",
)

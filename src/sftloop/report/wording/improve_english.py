"""The English of `prompt improve`'s page."""

from __future__ import annotations

from sftloop.report.wording.improve_words import ImproveWords
from sftloop.report.wording.words import Counted

ENGLISH = ImproveWords(
    title="{scenario} · better definitions",
    eyebrow="Prompt, improved on evidence",
    heading="Outcome",
    writer="Proposals by",
    accepted=Counted("{n} change makes the prompt better", "{n} changes make the prompt better"),
    none="No proposed change is shown to help",
    nothing_wrong="The prompt gets nothing wrong that a definition could mend",
    lead="{asked}, {tested}. Learned from {seen} of the validation split, tested on {held_out}.",
    asked=Counted("{n} proposal", "{n} proposals"),
    tested=Counted("{n} tested", "{n} tested"),
    seen=Counted("{n} record", "{n} records"),
    held_out=Counted("{n} other", "{n} others"),
    blind="{task}: with {n} held-out records a change that is better by less than {detectable} would "
    "probably not have "
    "shown.",
    unread="{task}: {share} of {n} answers stay the same when the labels exchange their definitions. The model "
    "hardly reads them, so rewording them will mend little: look for another format with "
    "--formats, fine-tune it, or take a larger one.",
    no_test_file="There is no test file, so the gain rests on the validation split alone, where the changes were "
    "chosen.",
    test_heading="On the test records",
    test_intro=Counted(
        "{n} test record, opened once and after everything was decided.",
        "{n} test records, opened once and after everything was decided.",
    ),
    task="Task",
    before="Prompt before",
    after="Prompt after",
    difference="Difference",
    p="p, corrected",
    verdict="Verdict",
    verdicts={"better": "Better", "worse": "Worse", "inconclusive": "Inconclusive"},
    proposals_heading="Proposals",
    proposals_intro="Each changes one thing and was compared with the prompt of its time on the same held-out "
    "records. p "
    "is corrected for all tests of the round (Holm) and for the number of rounds. A change is taken if "
    "it is better, no "
    "anchor record is lost, and no label becomes less precise.",
    round="Round {n}",
    parts={
        "means": "{task}: new definition of “{name}”",
        "not": "{task}: what does not count as “{name}”",
        "examples": "{task}: an example of “{name}”",
    },
    unreadable="{task}: no readable change",
    again="Tested again: {id} was better too, but another change was taken.",
    decisions={
        "accepted": "Accepted",
        "better": "Better, put off",
        "inconclusive": "Inconclusive",
        "worse": "Worse",
        "anchors": "Anchors lost",
        "precision": "Less precise",
        "failed": "Not decided",
        "refused": "Refused",
    },
    because={
        "accepted": "",
        "better": "Another change to this task gained more in this round; this one is tested again on top of it.",
        "inconclusive": "The difference could be chance.",
        "worse": "",
        "anchors": "Right answers that must stay right were lost: {anchors}.",
        "precision": "These labels became less precise: {labels}.",
        "failed": "Too many calls failed for a decision.",
    },
    refusals={
        "no_answer": "The writer did not answer.",
        "malformed": "Not a readable proposal.",
        "too_long": "Too long.",
        "other_language": "In another language than the scenario.",
        "nothing_new": "Says nothing new.",
        "drops_meaning": "Drops what the present definition says.",
        "copies_record": "Copies a record.",
        "not_loadable": "The file with it doesn't load.",
        "lint": "Makes the prompt weaker.",
    },
    quoted="“{text}”",
    figures="{metric} {before} → {after}: {difference} ({interval}), {p}, on {n} records.",
    unmeasured="Nothing could be compared.",
    why="Why, in the writer’s words: {why}",
    written="What the writer wrote",
    diff="Change to the file",
    now="Now",
    proposed="Proposed",
    for_group="Against {group}",
    groups_heading="What went wrong",
    groups_intro="Records of the seen part whose answer was wrong, or right by a small margin, by what was "
    "mistaken for "
    "what. Proposals were learned from these.",
    group="{task}: {gold} taken for {answered}",
    no_label="no label",
    wrong=Counted("{n} wrong", "{n} wrong"),
    unsure=Counted("{n} unsure", "{n} unsure"),
    gold="Right",
    answered="Answered",
    reason="Its reason",
    gold_reason="Why right",
    barely="{answered}, by a small margin",
    more_cases=Counted("{n} more record is in improve.json.", "{n} more records are in improve.json."),
    more_groups=Counted("{n} more group is in improve.json.", "{n} more groups are in improve.json."),
    region="Text of {id}",
    files_heading="Take it over",
    other_files="Files",
    apply="This command asks nothing again; it keeps the present file beside the improved one.",
    applied="{file} was replaced; the file as it was is {backup}.",
    held_back="{file} was left as it is: on the test records the improved prompt is worse on {tasks}.",
    improved="Improved scenario",
    difference_file="Its difference",
    history="All events",
    picture="Difference of proposal {id} with its 95% interval",
)

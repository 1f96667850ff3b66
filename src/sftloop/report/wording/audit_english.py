"""The audit page's English."""

from __future__ import annotations

from sftloop.report.wording.audit_words import (
    AuditVerdictWords,
    AuditWords,
    EvidenceWords,
    FindingWords,
    KindWords,
    PictureWords,
    RecordWords,
)
from sftloop.report.wording.rewrite_words import ENGLISH as ENGLISH_REWRITES
from sftloop.report.wording.words import Counted

_KINDS = {
    "untrainable": KindWords(
        name="Untrainable records",
        means="Training on them fails or teaches the wrong thing: nothing to learn from, an answer that doesn’t "
        "fit its task, or a text too long for the model.",
    ),
    "leak": KindWords(
        name="Leaks between splits",
        means="A training record stands in the validation or test data too, so scores there come out too high.",
    ),
    "conflict": KindWords(
        name="Conflicting answers",
        means="The same input has different answers; the model can satisfy only one of them.",
    ),
    "label_error": KindWords(
        name="Likely label errors",
        means="A classifier trained on the other records is confident of another label. Look before you change "
        "it: an unusual record may well be right.",
    ),
    "unknown_knowledge": KindWords(
        name="Facts that the model doesn’t know",
        means="The answer rests on a fact that neither the input nor the model holds. Training on such records "
        "teaches it to make things up.",
    ),
    "duplicate": KindWords(
        name="Duplicates",
        means="Copies add nothing but weight: the model sees one case several times and the others less.",
    ),
    "near_duplicate": KindWords(
        name="Near duplicates",
        means="Texts that differ in a few characters teach almost the same thing. Where the answers differ it "
        "may be a minimal pair, which is worth keeping.",
    ),
    "uncovered": KindWords(
        name="Records unlike any training record",
        means="What is asked there wasn’t taught, so validation and test measure something else than the "
        "training; the live data may hold it too.",
    ),
    "format_outlier": KindWords(
        name="Answers in another style",
        means="A few answers are written unlike the rest of their task; the model then mixes both styles.",
    ),
    "imbalance": KindWords(
        name="Imbalance",
        means="Some labels or tasks have far more records than others; the rare ones are learnt last.",
    ),
    "few_boundary": KindWords(
        name="Too few boundary records",
        means="Records near the border between two answers teach most, and there are few of them here.",
    ),
    "over_cap": KindWords(
        name="More records than needed",
        means="Beyond the limit of a task more records hardly help; they cost time and drown smaller tasks.",
    ),
}

ENGLISH = AuditWords(
    title="{scenario} · data audit",
    eyebrow="Data audit",
    heading="Verdict",
    verdict=AuditVerdictWords(
        errors=Counted("Train on it after mending {n} error", "Train on it after mending {n} errors"),
        errors_in={
            "one-one": "Train on it after mending 1 error in 1 record",
            "one-many": "Train on it after mending 1 error in {records} records",
            "many-one": "Train on it after mending {errors} errors in 1 record",
            "many-many": "Train on it after mending {errors} errors in {records} records",
        },
        warnings=Counted(
            "Nothing stands in the way; {n} warning deserves a look",
            "Nothing stands in the way; {n} warnings deserve a look",
        ),
        clean="Nothing stands in the way",
        checked=Counted("{n} record of the {split} was checked", "{n} records of the {split} were checked"),
        checked_with=" with {model}",
        touched=Counted("{n} is named in a finding.", "{n} are named in a finding."),
        seconds=" in {duration}",
        unchecked=Counted("{n} check was not made.", "{n} checks were not made."),
        splits={"train": "training set", "validation": "validation set", "test": "test set"},
        severities={
            "error": Counted("error", "errors"),
            "warning": Counted("warning", "warnings"),
            "note": Counted("note", "notes"),
        },
        severity_means={
            "error": "training or scores will be wrong",
            "warning": "results will be worse than they need be",
            "note": "worth knowing",
        },
        badges={"error": "Error", "warning": "Warning", "note": "Note"},
        overview="Findings by kind, the most harmful first",
        kind="Kind",
        findings="Findings",
        records="Records",
    ),
    findings=FindingWords(
        heading="Findings",
        intro="In order of harm. The audit changes nothing: every mend is a suggestion.",
        nothing="Nothing was found.",
        kinds=_KINDS,
        counted=Counted("{n} finding", "{n} findings"),
        in_records=Counted("{n} record", "{n} records"),
        mend="What to do:",
        record=RecordWords(answer="Answer", empty="empty", region="Text of {id}"),
        keep="keep",
        drop="drop",
        more_records=Counted("{n} more record: {ids}", "{n} more records: {ids}"),
        all_records=Counted("{n} record: {ids}", "{n} records: {ids}"),
        folded=Counted("{n} more finding", "{n} more findings"),
        left_out=Counted("{n} more is in audit.json.", "{n} more are in audit.json."),
        left_out_ids=Counted("and {n} more in audit.json", "and {n} more in audit.json"),
    ),
    rewrites=ENGLISH_REWRITES,
    evidence=EvidenceWords(
        similarity="Similarity",
        also_in="Also in",
        also_in_ids="{split}: {ids}",
        given="Given label",
        suggested="More likely",
        with_probability="{label} ({p})",
        answers="Answers",
        answer_times="{answer} × {n}",
        feature="Trait",
        usual="Usual",
        usual_share="{value} ({share})",
        found="Here",
        far_of="{label} ({far} of {n})",
        other_side="In the {split}",
        examples="Example",
        names={
            "most": "Most records",
            "fewest": "Fewest records",
            "ratio": "Ratio",
            "share": "Share",
            "n": "Records",
            "hard": "Boundary or hard",
            "limit": "Limit",
            "before": "Before",
            "after": "After",
            "hard_dropped": "Boundary or hard ones dropped",
            "labels": "Labels",
            "groups": "Groups",
            "answers_differ": "Answers differ",
            "suggested": "Suggested answer",
            "tokens": "Tokens",
            "longest": "Longest",
            "context_tokens": "Context in tokens",
            "cause": "Cause",
            "quote": "Quote",
            "splits": "Splits",
        },
    ),
    pictures=PictureWords(
        heading="The data in pictures",
        balance="Tasks beside each other",
        task="Task",
        label="Label",
        records="Records",
        characters="Characters",
        labels="Records per label",
        labels_by_difficulty="Records per label, by difficulty",
        left_out=Counted("{n} more row is in audit.json.", "{n} more rows are in audit.json."),
        not_measured="not measured",
        difficulty="Difficulty for the untrained model",
        difficulty_tagged="Difficulty as tagged",
        difficulties={"easy": "easy", "boundary": "boundary", "hard": "hard"},
        difficulty_means="Easy: the model is right with a wide margin. Boundary: it wavers. Hard: it is clearly "
        "wrong.",
        margins="Margin of the right label",
        margins_hint="Probability of the right label minus that of the best other label. Red: the model prefers "
        "another label. Records near zero teach most.",
        scores="Difficulty scores",
        scores_hint="The higher, the less the input helps the model to write the answer.",
        knowledge="Does the model know the facts?",
        classes={
            "HighlyKnown": "always right",
            "MaybeKnown": "sometimes right",
            "WeaklyKnown": "right only when sampled",
            "Unknown": "never right",
            "exempt": "needs no fact",
            "not_measured": "not measured",
        },
        knowledge_means="Asked for the answer several times, the untrained model gives it always, sometimes, "
        "or never.",
        exempt="No fact needed: {why}",
        why_exempt={
            "judgement": "the answers are judgements (labels, scores, yes or no), not facts",
            "grounded": "the inputs hold the answers",
            "nothing_said": "the answers say nothing",
        },
        styles="How the answers are written",
        styles_hint="Share of the task’s answers with each trait. One clear style is learnt from few records.",
        style_value="Trait",
        share="Share",
        other="others",
        alike="Alike in all answers: {traits}.",
        trait="{feature} ({value})",
        diversity={
            "effective_labels": "Effective number of labels",
            "effective_tags": "Effective number of tags",
            "vendi": "Effective number of distinct texts (Vendi score)",
        },
        diversity_hint="An effective number says how many equally frequent ones would be as varied.",
        covered="Covered by the training set as well as it covers itself: {splits}; texts compared by {by}.",
        covered_split="{covered} of the {split} ({n})",
        by_ngrams="their n-grams",
        by_model="the hidden states of {model}",
        cap=Counted(
            "The limit of {limit} records would drop {n} record.",
            "The limit of {limit} records would drop {n} records.",
        ),
        label_errors="Most frequent suspicions of a wrong label",
        label_error="{change}: {count}",
        picture="{task}: {caption}",
    ),
    unchecked="What was not checked",
    unchecked_intro="A finding of these kinds may exist and isn’t on this page.",
)

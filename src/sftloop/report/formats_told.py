"""What is said of a search for formats: the decision in words, and the sections of its page.

Lays saved figures out; computes none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sftloop.report.charts.intervals import Group, Mark, interval_plot
from sftloop.report.figures import Figures
from sftloop.report.trainings_section import (
    Result,
    Row,
    Said,
    Section,
    Shown,
    Table,
    Told,
    metric_axis,
    metric_tick,
)
from sftloop.report.verdict import metric_name
from sftloop.report.wording import Words, report_words
from sftloop.report.wording.formats_chinese import CHINESE
from sftloop.report.wording.formats_english import ENGLISH
from sftloop.report.wording.formats_words import FormatsWords

_MOST_CHARACTERS = 20
"""Of a name beside a picture."""

FORMATS_WORDS: Mapping[str, FormatsWords] = {"en": ENGLISH, "zh": CHINESE}


def in_words(result: Result) -> dict[str, Any]:
    """Return {"text", "zh": {"text"}}: the decision as sentences in both languages."""
    texts = {
        language: words.join.join(_sentences(result, report_words(language), words))
        for language, words in FORMATS_WORDS.items()
    }
    return {"text": texts["en"], "zh": {"text": texts["zh"]}}


def formats_told(result: Result, shared: Words, words: FormatsWords, most: int) -> Told:
    """Return the page's content, with at most so many formats in the table."""
    figures = Figures(shared.figures)
    sections = [_finals(result, shared, words), *_test(result, shared, words), *_change(result, words)]
    sections += [_effects(result, shared, words), _table(result, shared, words, most)]
    lead = words.lead.format(
        formats=len(result["variants"]),
        halving=result["rounds"][-1]["records"],
        finalists=len(result["finalists"]),
        final=result["n"]["final"],
        duration=figures.duration(result["seconds"]),
    )
    notes = [words.left_out.format(**each) for each in result["left_out"][:10]]
    return Told(
        headline=_headline(result, shared, words),
        lead=lead,
        sections=tuple(sections),
        files=((words.improved, result["improved"]),) if result["improved"] else (),
        notes=(*_cautions(result, shared, words), *notes),
    )


def format_name(levels: Mapping[str, str], words: FormatsWords) -> str:
    """Return a format as the choices it makes."""
    return " · ".join(words.levels[factor][level] for factor, level in levels.items())


def _changed(result: Result, name: str, words: FormatsWords) -> str:
    """Return a format as what it does otherwise than the present one."""
    present = _variant(result, result["decision"]["current"])["levels"]
    levels = _variant(result, name)["levels"]
    return format_name({key: level for key, level in levels.items() if level != present[key]}, words)


def _sentences(result: Result, shared: Words, words: FormatsWords) -> Iterator[str]:
    yield _headline(result, shared, words) + ("." if words.join else "。")
    for one in result["finalists"]:
        if one["name"] == result["decision"]["best"]:
            yield from (_against(task, each, shared, words) for task, each in one["tasks"].items())
    yield from _cautions(result, shared, words)
    yield from _tested(result, shared, words)


def _headline(result: Result, shared: Words, words: FormatsWords) -> str:
    name = result["decision"]["accepted"]
    if name is None:
        return words.kept[result["decision"]["why"]]
    figures = Figures(shared.figures)
    compared = next(one for one in result["finalists"] if one["name"] == name)
    differences = shared.figures.comma.join(
        words.difference.format(
            task=task, difference=figures.difference(each["metric"], each["difference"], signed=True)
        )
        for task, each in compared["tasks"].items()
    )
    shown = words.quoted.format(name=_changed(result, name, words))
    return words.accepted.format(format=shown, differences=differences)


def _cautions(result: Result, shared: Words, words: FormatsWords) -> Iterator[str]:
    """Yield what could have been found, and what an accepted format does to the shared prefix."""
    figures = Figures(shared.figures)
    for task, each in result["detectable"].items():
        size = figures.difference(each["metric"], each["detectable"], signed=False)
        template = words.not_detectable if each["detectable"] is None else words.detectable
        text = template.format(task=task, n=figures.count(each["n"]), detectable=size)
        if result["decision"]["accepted"] is None and each["needed"]:
            text += words.join + words.needed.format(needed=figures.count(each["needed"]))
        yield text
    name = result["decision"]["accepted"]
    if name is None:
        return
    old, new = (_variant(result, each)["prefix_tokens"] for each in (result["decision"]["current"], name))
    if old is None or sum(old.values()) == sum(new.values()):
        return
    before, after = (" + ".join(figures.count(count) for count in each.values()) for each in (old, new))
    shorter = _variant(result, name)["shorter_prefix"]
    yield (words.prefix_shorter if shorter else words.prefix_longer).format(before=before, after=after)


def _tested(result: Result, shared: Words, words: FormatsWords) -> Iterator[str]:
    if result["test"] is None:
        yield words.no_test
        return
    for task, each in result["test"]["tasks"].items():
        yield words.tested[each["verdict"]].format(told=_against(task, each, shared, words, corrected=False))
    if result["test"]["opened"] > 1:
        yield words.opened.of(result["test"]["opened"])


def _against(
    task: str, one: Mapping[str, Any], shared: Words, words: FormatsWords, *, corrected: bool = True
) -> str:
    figures, metric = Figures(shared.figures), one["metric"]
    p = figures.p_value(one["p_adjusted" if corrected else "p"])
    template = words.against if corrected else words.against_once
    return template.format(
        task=task,
        metric=metric_name(metric, shared),
        before=figures.value(metric, one["before"]),
        after=figures.value(metric, one["after"]),
        difference=figures.difference(metric, one["difference"], signed=True),
        interval=figures.interval(metric, one["low"], one["high"], signed=True),
        p=p,
        n=figures.count(one["n"]),
    )


def _finals(result: Result, shared: Words, words: FormatsWords) -> Section:
    said = [
        Said(
            state=each["verdict"],
            badge=words.badges[each["verdict"]],
            text=words.finalist.format(
                n=number,
                name=_changed(result, one["name"], words),
                told=_against(task, each, shared, words),
            ),
        )
        for number, one in enumerate(result["finalists"], start=1)
        for task, each in one["tasks"].items()
    ]
    shown = [_picture(result, task, shared, words) for task in result["tasks"]]
    return Section(
        heading=words.finals,
        intro=words.finals_intro,
        said=tuple(said),
        shown=tuple(each for each in shown if each is not None),
    )


def _picture(result: Result, task: str, shared: Words, words: FormatsWords) -> Shown | None:
    """Return the finalists' values on a task; the present format stands out."""
    figures = Figures(shared.figures)
    rows = [
        (one, one["tasks"][task])
        for one in _ranked(result)
        if one["held_out"] and task in one["tasks"] and one["tasks"][task]["value"] is not None
    ]
    if not rows:
        return None
    metric = rows[0][1]["metric"]
    marks = [
        Mark(
            series="before" if one["current"] else "after",
            name=_numbered(result, one, words),
            value=own["value"],
            low=own["value"] if own["low"] is None else own["low"],
            high=own["value"] if own["high"] is None else own["high"],
            written=figures.value(metric, own["value"]),
        )
        for one, own in rows
    ]
    axis = metric_axis(min(mark.low for mark in marks), max(mark.high for mark in marks), metric)
    groups = [Group(title=metric_name(metric, shared), marks=marks)]
    picture = interval_plot(groups, axis, words.picture, tick=lambda value: metric_tick(value, metric))
    return Shown(caption=task, picture=picture)


def _numbered(result: Result, one: Mapping[str, Any], words: FormatsWords) -> str:
    """Return a format's number among the finalists and as much of its name as stands beside a picture."""
    if one["current"]:
        return words.present
    number = [each["name"] for each in result["finalists"]].index(one["name"]) + 1
    name = f"{number}. {_changed(result, one['name'], words)}"
    most = _MOST_CHARACTERS if name.isascii() or words.join else _MOST_CHARACTERS // 2
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _test(result: Result, shared: Words, words: FormatsWords) -> Iterator[Section]:
    if result["test"] is not None:
        said = tuple(
            Said(
                state=each["verdict"],
                badge=words.badges[each["verdict"]],
                text=_against(task, each, shared, words, corrected=False),
            )
            for task, each in result["test"]["tasks"].items()
        )
        yield Section(heading=words.test, intro=words.test_intro, said=said)


def _change(result: Result, words: FormatsWords) -> Iterator[Section]:
    if result["diff"]:
        applied = result["applied"]
        intro = words.change_intro
        if applied:
            intro = (words.held_back if applied.get("held_back") else words.applied).format(**applied)
        yield Section(heading=words.change, intro=intro, code=result["diff"])


def _effects(result: Result, shared: Words, words: FormatsWords) -> Section:
    figures = Figures(shared.figures)
    tables = []
    for effect in result["effects"]:
        rows = tuple(
            Row(
                name=words.levels[effect["factor"]][one["level"]],
                cells=(
                    (figures.percent(one["mean"]), ""),
                    (words.present, "")
                    if place == 0
                    else (
                        figures.difference("accuracy", one["difference"], signed=True),
                        figures.interval("accuracy", one["low"], one["high"], signed=True)
                        if one["low"] is not None
                        else "",
                    ),
                    (figures.count(one["formats"]), ""),
                ),
                own=place == 0,
            )
            for place, one in enumerate(effect["levels"])
        )
        headings = (words.level, words.mean, words.apart, words.formats)
        tables.append(Table(caption=words.factors[effect["factor"]], headings=headings, rows=rows))
    return Section(heading=words.effects, intro=words.effects_intro, tables=tuple(tables))


def _table(result: Result, shared: Words, words: FormatsWords, most: int) -> Section:
    ranked = _ranked(result)
    metrics = {
        task: one["tasks"][task]["metric"]
        for one in ranked
        for task in result["tasks"]
        if task in one["tasks"]
    }
    alone = len(metrics) == 1
    headings = [words.format]
    for task, metric in metrics.items():
        name = words.quality.format(metric=metric_name(metric, shared))
        headings += [name if alone else f"{task}: {name}", words.valid if alone else f"{task}: {words.valid}"]
    rows = tuple(_row(one, metrics, shared, words) for one in ranked[:most])
    left = len(ranked) - most
    table = Table(
        caption=words.table_caption,
        headings=(*headings, words.tokens, words.prefix),
        rows=rows,
        note=words.rows_left_out.of(left) if left > 0 else "",
    )
    return Section(heading=words.table, intro=words.table_intro, tables=(table,))


def _row(one: Mapping[str, Any], metrics: Mapping[str, str], shared: Words, words: FormatsWords) -> Row:
    figures = Figures(shared.figures)
    cells: list[tuple[str, str]] = []
    for task, metric in metrics.items():
        own = one["tasks"].get(task)
        if own is None:
            cells += [(shared.figures.missing, ""), (shared.figures.missing, "")]
            continue
        where = words.held_out if one["held_out"] else words.halving_only
        small = (
            f"{figures.range(metric, own['low'], own['high'])} · {words.records.format(n=own['n'])}, {where}"
        )
        cells += [(figures.value(metric, own["value"]), small), (figures.percent(own["format_valid"]), "")]
    prompt, answer = (one["tokens"][part] for part in ("prompt", "answer"))
    tokens = " / ".join(figures.count(None if each is None else round(each)) for each in (prompt, answer))
    shared_tokens = one["prefix_tokens"]
    counted = (
        shared.figures.missing
        if shared_tokens is None
        else " + ".join(figures.count(count) for count in shared_tokens.values())
    )
    cells += [(tokens, ""), (counted, words.shorter if one["shorter_prefix"] else "")]
    name = format_name(one["levels"], words)
    return Row(
        name=f"{name} ({words.present})" if one["current"] else name, cells=tuple(cells), own=one["current"]
    )


def _ranked(result: Result) -> list[Mapping[str, Any]]:
    """Return the formats, those of the final comparison first, the best of them on top."""
    last = {name: score for each in result["rounds"] for name, score in each["scores"].items()}

    def place(one: Mapping[str, Any]) -> tuple[bool, int, float]:
        score = one["score"] if one["score"] is not None else last[one["name"]]
        return not one["held_out"], -one["rounds"] if not one["held_out"] else 0, -score

    return sorted(result["variants"], key=place)


def _variant(result: Result, name: str) -> Mapping[str, Any]:
    return next(one for one in result["variants"] if one["name"] == name)

"""What the documents say exists: commands parse, links lead somewhere, examples load, both READMEs agree."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from itertools import dropwhile
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from sftloop.cli.main import root
from sftloop.records import Record, load_split
from sftloop.records.schema import check_record
from sftloop.scenario import Scenario, format_answer, load_scenario, parse_answer, render_prompt
from sftloop.scenario.parts import AnswerSpec, Field, InputField, Label, Target
from sftloop.scenario.schema import DataFiles, Format, PromptStyle, Task, Training
from sftloop.scenario.training import Head
from sftloop.workflow.init import init_scenario

ROOT = Path(__file__).parents[2]
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
TOP = [README, CHINESE, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
DOCUMENTS = [
    *TOP,
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / top / "README.md" for top in ("examples/bench", "benchmarks")),
]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[str]:
    return [text for found, text in _FENCE.findall(path.read_text(encoding="utf-8")) if found == language]


def prose(path: Path) -> str:
    """Return the document without its fenced blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def shown_commands(path: Path) -> list[list[str]]:
    """Return the command lines in unmarked blocks, comments left out, as lists of words."""
    text = "\n".join(blocks(path, "")).replace("\\\n", " ")
    return [words for line in text.splitlines() if (words := _words(line, comments=True))]


def _words(line: str, *, comments: bool = False) -> list[str]:
    try:
        return shlex.split(line.removeprefix("$ "), comments=comments)
    except ValueError:
        return []


def sftloop_commands(path: Path) -> Iterator[tuple[list[str], bool]]:
    """Yield every `sftloop …` of a document without its first word, and whether it is shown to be run."""
    for line in shown_commands(path):
        words = list(dropwhile(lambda word: re.fullmatch(r"[A-Z_]+=\S*", word), line))
        if words[:1] == ["sftloop"]:
            yield words[1:], True
    for span in _INLINE.findall(prose(path)):
        if (words := _words(span))[:1] == ["sftloop"]:
            yield words[1:], False


def parse(arguments: list[str], *, whole: bool) -> None:
    """Parse arguments as the command line does, without running anything.

    Raises:
        click.UsageError: an unknown verb or option, a value of the wrong type, or, with `whole`, a missing one.
    """
    command: click.Command = root
    rest = list(arguments)
    while isinstance(command, click.Group):
        context = click.Context(command, info_name="sftloop")
        options = {option for part in command.get_params(context) for option in part.opts}
        while rest and rest[0].startswith("-"):
            if rest[0] not in options:
                raise click.NoSuchOption(rest[0])
            rest.pop(0)
        if not rest:
            return
        verb = rest.pop(0)
        found = command.get_command(context, verb)
        if found is None:
            raise click.UsageError(f"There is no verb '{verb}'.")
        command = found
    try:
        command.make_context("sftloop", rest)
    except click.exceptions.Exit:
        return
    except click.MissingParameter:
        if whole:
            raise


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_command_parses(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, whole in sftloop_commands(path):
        try:
            parse(arguments, whole=whole)
        except click.ClickException as error:
            pytest.fail(f"{name(path)}: sftloop {' '.join(arguments)}: {error.format_message()}")


def test_the_parser_refuses_what_does_not_exist() -> None:
    for wrong in ("evall x", "eval x --modle y", "models pul x", "--verbose", "train x --epochs many"):
        with pytest.raises(click.UsageError):
            parse(wrong.split(), whole=True)
    with pytest.raises(click.UsageError):
        parse(["eval"], whole=True)
    parse(["eval"], whole=False)


def test_the_readme_shows_the_whole_tour() -> None:
    verbs = {tuple(arguments[:2]) for arguments, whole in sftloop_commands(README) if whole}
    first = {words[0] for words in verbs}
    assert {"init", "import", "eval", "train", "run", "report"} <= first
    assert {("prompt", "show"), ("prompt", "lint")} <= verbs


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_make_target_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    spans = [_words(span) for span in _INLINE.findall(prose(path))] + shown_commands(path)
    for words in spans:
        if words[:1] == ["make"]:
            asked = [word for word in words[1:] if "=" not in word]
            assert set(asked) <= targets, f"{name(path)}: {' '.join(words)}"
            for word in words[1:]:
                if word.startswith("EXAMPLE="):
                    assert (ROOT / "examples" / word.removeprefix("EXAMPLE=") / "scenario.yaml").is_file()


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as hosting sites make them."""
    titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for link in _LINK.findall(prose(path)):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{name(path)} links to {link}, which does not exist"
        if anchor:
            assert anchor in anchors(target), f"{name(path)} links to {link}: no such heading"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_named_source_file_exists(path: Path) -> None:
    files = [
        str(file.relative_to(ROOT))
        for top in ("src", "tests", "examples", "benchmarks")
        for file in (ROOT / top).rglob("*")
    ]
    for span in _INLINE.findall(prose(path)):
        if re.fullmatch(r"[\w./-]+\.py", span):
            assert any(f"/{file}".endswith(f"/{span}") for file in files), f"{name(path)} names {span}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_no_place_of_one_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(work|home|root|Users)/", text)


def test_both_readmes_have_the_same_sections() -> None:
    levels = [_HEADING.findall(prose(path)) for path in (README, CHINESE)]
    assert levels[0] == levels[1]
    links = [sorted(set(_LINK.findall(prose(path)))) for path in (README, CHINESE)]
    assert [x for x in links[0] if "README" not in x] == [x for x in links[1] if "README" not in x]


def test_both_readmes_show_the_same_commands() -> None:
    assert shown_commands(README) == shown_commands(CHINESE)
    assert len(shown_commands(README)) >= 10


def test_both_readmes_have_the_same_figures() -> None:
    """Output, tables of measurements and codes are pasted into both."""
    outputs = [[text for text in blocks(path, "text") if "difference" in text] for path in (README, CHINESE)]
    assert outputs[0] == outputs[1] != []
    rows = [re.findall(r"^\| (\d+) \|", prose(path), re.MULTILINE) for path in (README, CHINESE)]
    assert rows[0] == rows[1] == ["0", "1", "2", "3", "130"]


def test_both_readmes_show_the_starters_prompt(tmp_path: Path) -> None:
    init_scenario(tmp_path)
    starter = load_scenario(tmp_path)
    first = load_split(starter, "train")[0]
    prompt = render_prompt(starter, starter.tasks[first.task], first.input)
    for path in (README, CHINESE):
        (shown,) = [text for text in blocks(path, "text") if "shared by every prompt" in text]
        assert prompt.system in shown
        assert (
            re.sub(r"──── .* ────\n", "", shown).count(prompt.user.replace("Message: ", "Message:\n ")) == 1
        )
        assert f"'{first.id}'" in shown


@pytest.fixture(scope="module")
def hotel(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """The scenario that docs/scenario.md shows."""
    directory = tmp_path_factory.mktemp("hotel")
    (text,) = blocks(ROOT / "docs" / "scenario.md", "yaml")
    (directory / "scenario.yaml").write_text(text, encoding="utf-8")
    return load_scenario(directory)


def shown_records() -> list[Record]:
    (text,) = blocks(ROOT / "docs" / "records.md", "jsonl")
    return [Record.from_json(json.loads(line)) for line in text.splitlines()]


def test_the_shown_scenario_has_every_kind(hotel: Scenario) -> None:
    kinds = [task.kind for task in hotel.tasks.values()]
    assert sorted(kinds) == ["choice", "extract", "generate", "multi", "score"]


def test_the_shown_records_fit_the_shown_scenario(hotel: Scenario) -> None:
    records = shown_records()
    assert {record.task for record in records} == set(hotel.tasks)
    for record in records:
        assert check_record(record, hotel) is None
        text = format_answer(hotel.tasks[record.task], record.answer, hotel.language)
        assert parse_answer(hotel.tasks[record.task], text, hotel.language).valid


def test_the_shown_prompt_is_the_rendered_one(hotel: Scenario) -> None:
    prompt = render_prompt(hotel, hotel.tasks["concern"], shown_records()[0].input)
    shown = blocks(ROOT / "docs" / "scenario.md", "")
    assert prompt.system + "\n" in shown
    assert prompt.user + "\n" in shown


def test_the_shown_answers_are_valid(hotel: Scenario) -> None:
    """The table of answer formats, row by row, in the task's plain or JSON form."""
    table = prose(ROOT / "docs" / "scenario.md").partition("## Answer formats")[2]
    for task in hotel.tasks.values():
        row = next(line for line in table.splitlines() if line.startswith(f"| `{task.kind}` |"))
        cells = [_INLINE.findall(cell) for cell in row.strip("|").split("|")[1:]]
        for form, texts in zip(("plain", "json"), cells, strict=True):
            spec = AnswerSpec(format=form) if texts and task.kind != "extract" else AnswerSpec()
            bare = task.model_copy(update={"answer": spec})
            for text in texts:
                if re.search(r"[\u4e00-\u9fff]", text):
                    continue
                found = parse_answer(bare, text, hotel.language)
                assert found.valid, f"{task.kind}: {text}: {found.problem}"


PARTS = [
    Scenario,
    Task,
    InputField,
    Label,
    Field,
    AnswerSpec,
    Target,
    DataFiles,
    PromptStyle,
    Format,
    Training,
    Head,
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_key_is_documented(part: type[BaseModel]) -> None:
    text = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")
    for field, info in part.model_fields.items():
        key = str(info.validation_alias or field)
        assert f"`{key}`" in text, f"docs/scenario.md doesn't document '{key}' of {part.__name__}"


def test_the_shown_training_defaults_are_the_real_ones() -> None:
    from sftloop.train import LoraMethod, TrainSettings

    text = prose(ROOT / "docs" / "training.md").partition("## Settings")[2]
    shown = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE))
    real = {part.name: part.default for kind in (TrainSettings, LoraMethod) for part in fields(kind)}
    real["task_weights"] = None
    for setting in set(shown) & set(real) - {"learning_rate"}:
        default = real[setting]
        said = shown[setting].split()[0]
        if isinstance(default, bool) or default is None:
            assert said == {True: "on", False: "off", None: "none"}[default], setting
        else:
            assert said == (default if isinstance(default, str) else f"{default:g}"), setting
    assert set(real) - set(shown) == {"micro_batch", "targets"}

"""What `select filter` finds in a mixed pool of public data, stage by stage, beside simple choices, and how fast.

Meant are the messages of one group of banking77's intents; the other intents, Chinese news titles and
reviews, and open instructions lie between them. The target is 30 test messages of the group, or its
definitions alone. The first stage also reads the pool enlarged to a million distinct rows, in a process of
its own. Writes `results/filtering.json`:

    python -m benchmarks.filtering --data DIR [--model smollm2-135m-instruct] [--share 1.0] [--rows 1000000]
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import public_data
from sftloop.core.files import atomic_write_json
from sftloop.core.memory import peak_memory_bytes
from sftloop.core.progress import say
from sftloop.core.seeds import derive_seed
from sftloop.curate.filter import Budget, Pool, Target, run_cascade, search_pool
from sftloop.curate.filter.candidate import read_candidates
from sftloop.curate.filter.first_stage import FirstStage
from sftloop.curate.similarity.hashed_ngrams import hashed_ngrams
from sftloop.scenario import load_scenario

_ROOT = Path(__file__).parent.parent
_RESULTS = Path(__file__).parent / "results" / "filtering.json"
_CARDS = (
    "activate_my_card card_about_to_expire card_arrival card_delivery_estimate card_linking card_swallowed "
    "get_disposable_virtual_card get_physical_card getting_spare_card getting_virtual_card lost_or_stolen_card "
    "order_physical_card"
)
_EXAMPLES, _RANDOM_SEEDS, _SCALE_N = 30, 20, 1000

Row = tuple[str, str]
"""Id and text."""


def main() -> None:
    """Measure what is found, then the time of the first stage; write after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", help="a model whose hidden states and losses are measured too")
    parser.add_argument("--share", type=float, default=1.0, help="of the pool's rows, for slow machines")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the enlarged pool; 0: not measured")
    parser.add_argument("--groups", default="cards,top_up,transfer", help="empty: only the million rows")
    parser.add_argument("--out", type=Path, default=_RESULTS)
    parser.add_argument("--scale-child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scale_child:
        print(json.dumps(_timed(options.scale_child)))
        return
    data = public_data(options.data)
    kept = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    rows = [row for row in pool_rows(data) if derive_seed("share", row[0]) < options.share * 2**32]
    if options.rows:
        kept["scale"] = scale(rows, options.rows)
        atomic_write_json(options.out, kept)
    for group in filter(None, options.groups.split(",")):
        kept[_name(group, options)] = measure_group(rows, data, group, options.model)
        atomic_write_json(options.out, kept)


def _name(group: str, options: argparse.Namespace) -> str:
    parts = [group, options.model or "hashed n-grams"]
    return ", ".join(parts if options.share == 1 else [*parts, f"{options.share:g} of the pool"])


def pool_rows(data: Path) -> Iterator[Row]:
    """Yield the pool; the id of a bank's message begins with its intent."""
    for number, (text, intent) in enumerate(banking_messages(data, "train")):
        yield f"{intent}/{number}", text
    for name in ("tnews", "eprstmt"):
        lines = (data / "fewclue" / name / "unlabeled.json").read_text(encoding="utf-8").splitlines()
        yield from ((f"{name}/{number}", json.loads(line)["sentence"]) for number, line in enumerate(lines))
    for language in ("en", "zh"):
        file = data / "instruct" / f"alpaca_{language}_demo.json"
        for number, each in enumerate(json.loads(file.read_text(encoding="utf-8"))):
            text = "\n".join(filter(None, (each["instruction"], each["input"], each["output"])))
            yield f"instruct-{language}/{number}", text


def banking_messages(data: Path, split: str) -> list[Row]:
    with (data / "banking77" / f"{split}.csv").open(encoding="utf-8", newline="") as stream:
        return [(row["text"], row["category"]) for row in csv.DictReader(stream)]


def measure_group(rows: Sequence[Row], data: Path, group: str, model: str | None) -> dict[str, Any]:
    """Return precision and recall per target, choice and size.

    Args:
        rows: the pool.
        data: the public files.
        group: `cards`, or a word that the group's intents have in their names.
        model: name of a model, or None for hashed n-grams.
    """
    labels = load_scenario(_ROOT / "examples/bench/banking77").tasks["intent"].labels
    intents = {name for name in labels if (name in _CARDS.split() if group == "cards" else group in name)}
    messages = [text for text, intent in banking_messages(data, "test") if intent in intents]
    examples = random.Random(derive_seed("examples", group)).sample(messages, _EXAMPLES)
    definitions = [f"{name.replace('_', ' ')}: {labels[name].means}" for name in labels if name in intents]
    rows = list({text.casefold(): (name, text) for name, text in rows}.values())
    meant = {name for name, _ in rows if name.split("/")[0] in intents}
    ngrams = partial(hashed_ngrams, language="en")
    embed, loss_drop = _with_model(model) if model else (ngrams, None)
    found: dict[str, Any] = {"intents": len(intents), "meant": len(meant), "pool": len(rows), "targets": {}}
    for name, target in (
        ("examples", Target(tuple(examples), examples=True)),
        ("definitions", Target(tuple(definitions), examples=False)),
    ):
        scorer = partial(loss_drop, target.texts) if loss_drop else None
        vectors = embed if target.examples else ngrams
        found["targets"][name] = _measure_target(rows, meant, target, vectors, scorer)
        say(f"{group}, {name}: {json.dumps(found['targets'][name])}")
    return found


def _measure_target(
    rows: Sequence[Row], meant: set[str], target: Target, embed: Any, loss_drop: Any
) -> dict[str, Any]:
    n = len(meant)
    with tempfile.TemporaryDirectory() as work:
        pool = _written(Path(work) / "pool.jsonl", rows)
        began = time.process_time()
        result = run_cascade(
            pool, target, Path(work) / "run", budget=Budget(n=n), embed=embed, loss_drop=loss_drop
        )
        seconds = time.process_time() - began
        stages = {
            path.stem: [candidate.id for candidate in read_candidates(path)]
            for path in sorted((Path(work) / "run").glob("stage*.jsonl"))
        }
    orders = {**_baselines(rows, target, n), **{name: [order] for name, order in stages.items()}}
    return {
        "choices": {name: _scores(each, meant) for name, each in orders.items()},
        "recall_behind_stage1": len(meant & set(stages["stage1"])) / n,
        "meant_as_hinted": result.meant,
        "processor_seconds": seconds,
    }


def _baselines(rows: Sequence[Row], target: Target, n: int) -> dict[str, list[list[str]]]:
    """Return orders of ids per simple choice; several for the random one."""
    ids, texts = zip(*rows, strict=True)
    stage = FirstStage(target)
    scores = stage.score(texts, stage.count(texts))
    by = {
        "longest": np.array([len(text) for text in texts], float),
        "bm25": scores.bm25,
        "dsir": scores.importance,
    }
    orders = {name: [[ids[at] for at in np.argsort(-each, kind="stable")[:n]]] for name, each in by.items()}
    return {"random": [random.Random(seed).sample(ids, n) for seed in range(_RANDOM_SEEDS)], **orders}


def _scores(orders: Sequence[Sequence[str]], meant: set[str]) -> dict[str, float]:
    """Return the mean precision and recall at as many as are meant, and at half of that."""
    result: dict[str, float] = {}
    for name, size in (("n", len(meant)), ("half", len(meant) // 2)):
        hits = float(np.mean([sum(each in meant for each in order[:size]) for order in orders]))
        result |= {
            f"precision_at_{name}": round(hits / size, 4),
            f"recall_at_{name}": round(hits / len(meant), 4),
        }
    return result


def _with_model(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return an embedding that runs each text once, and the loss drop of texts."""
    from sftloop.curate.attribute import text_loss_drops
    from sftloop.models import LocalModel, resolve_model
    from sftloop.models.embed import embed_texts

    base = resolve_model(name)
    local = LocalModel.load(base)
    known: dict[str, NDArray[np.float32]] = {}

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        say(f"embedding {len(new)} texts")
        known.update(zip(new, embed_texts(local.model, local.encoder, new, max_tokens=256), strict=True))
        return np.stack([known[text] for text in texts])

    return embed, partial(text_loss_drops, base, most_tokens=256)


def scale(rows: Sequence[Row], count: int) -> dict[str, Any]:
    """Return time and memory of the first stage over an enlarged pool, read in a process of its own."""
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "pool.jsonl"
        _written(file, _enlarged(rows, count))
        command = [sys.executable, "-m", "benchmarks.filtering", "--scale-child", str(file)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found: dict[str, Any] = json.loads(done.stdout) | {"bytes": file.stat().st_size}
    say(json.dumps(found))
    return found


def _enlarged(rows: Sequence[Row], count: int) -> Iterator[Row]:
    """Yield distinct rows: texts of the pool with a word dropped and a number put in."""
    draw = random.Random(derive_seed("enlarged"))
    for number in range(count):
        name, text = draw.choice(rows)
        words = text.split(" ")
        words[draw.randrange(len(words))] = str(number)
        yield f"{name}/{number}", " ".join(words)


def _timed(file: Path) -> dict[str, Any]:
    target = Target(("My card has not arrived yet.", "How do I activate my new card?"), examples=True)
    before, began, worked = peak_memory_bytes(), time.monotonic(), time.process_time()
    chosen, counts = search_pool(Pool(files=(file,)), target, 5 * _SCALE_N)
    seconds, processor_seconds = time.monotonic() - began, time.process_time() - worked
    return {
        "rows": counts.rows,
        "kept": len(chosen),
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "texts_per_second": counts.rows / seconds,
        "texts_per_processor_second": counts.rows / processor_seconds,
        "peak_memory_bytes": peak_memory_bytes(),
        "peak_memory_bytes_before": before,
    }


def _written(path: Path, rows: Sequence[Row] | Iterator[Row]) -> Pool:
    with path.open("w", encoding="utf-8") as stream:
        for name, text in rows:
            stream.write(json.dumps({"id": name, "text": text}, ensure_ascii=False) + "\n")
    return Pool(files=(path,))


if __name__ == "__main__":
    main()

"""Near duplicates among 120,000 short texts: time, memory, and what is found of planted edits, beside other tools.

49,568 messages, headlines and reviews (banking77, tnews, eprstmt) and edited copies of them, one edit each: a
typo, a greeting in front, other case and punctuation, the halves swapped, one word replaced. Every tool gets the
same texts in a process of its own, in turn; seconds count on an idle machine only, `load` says whether it was, and
`cpu_seconds` hold on a busy one too. Writes `results/deduplication.json`:

    python -m benchmarks.deduplication --data DIR [--texts 120000] [--systems sftloop,rensa] [--million]
"""

from __future__ import annotations

import argparse
import csv
import difflib
import hashlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cases import public_data
from benchmarks.runners import near_duplicates
from sftloop.core.errors import ExternalError
from sftloop.core.files import atomic_write_json
from sftloop.core.progress import say
from sftloop.core.settings import settings
from sftloop.records import normalise

_HOME = Path(__file__).parent
_RESULTS = _HOME / "results" / "deduplication.json"
_ENVIRONMENTS = {name: "deduplication" for name in ("rensa", "datasketch", "semhash")}
_ENVIRONMENTS["text_dedup"] = "text_dedup"
_JUDGED = 2000
_ALIKE = 0.7
"""`difflib` ratio from which two texts that weren't planted count as rightly paired."""
_CHINESE = re.compile("[\u4e00-\u9fff]")
_SYNONYMS = {
    "card": "debit card", "money": "cash", "payment": "transaction", "account": "profile", "transfer": "wire",
    "change": "modify", "need": "require", "pin": "passcode", "app": "application", "charged": "billed",
    "wrong": "incorrect", "why": "how come", "help": "assist", "get": "receive", "use": "utilise",
}  # fmt: skip
_COMMON = (
    "的一是在不了有人我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
)


class Planted(NamedTuple):
    """Texts and, for those that are edited copies, the edit and the position of the original."""

    texts: list[str]
    edits: dict[int, tuple[str, int]]


def main() -> None:
    """Plant, let every system group, score, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--texts", type=int, default=120_000)
    parser.add_argument("--systems", default=",".join(near_duplicates.SYSTEMS))
    parser.add_argument("--repeats", type=int, default=3, help="of this package; the others run once")
    parser.add_argument("--million", action="store_true", help="also a million texts, this package alone")
    parser.add_argument("--out", type=Path, default=_RESULTS)
    options = parser.parse_args()
    data = public_data(options.data)
    originals = public_texts(data)
    results: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    planted = plant(originals, options.texts)
    rows = {row["system"]: row for row in results.get("rows", ()) if row["texts"] == options.texts}
    for system in options.systems.split(","):
        repeats = options.repeats if system == "sftloop" else 1
        rows[system] = measure(system, planted, repeats)
        say(json.dumps(rows[system], ensure_ascii=False))
        results |= {"cpus": os.cpu_count(), "rows": list(rows.values())}
        atomic_write_json(options.out, results)
    if options.million:
        mixed = Planted(enlarged(originals, planted.texts, 1_000_000), {})
        results["million"] = measure("sftloop", mixed, 1)
        say(json.dumps(results["million"]))
        atomic_write_json(options.out, results)


def public_texts(data: Path) -> list[str]:
    """Return the English messages, Chinese headlines and Chinese reviews."""
    with (data / "banking77/train.csv").open(encoding="utf-8", newline="") as stream:
        texts = [row["text"].strip() for row in csv.DictReader(stream)]
    for name in ("tnews", "eprstmt"):
        lines = (data / f"fewclue/{name}/unlabeled.json").read_text(encoding="utf-8").splitlines()
        texts += [json.loads(line)["sentence"] for line in lines]
    return texts


def plant(originals: Sequence[str], count: int, *, seed: int = 0) -> Planted:
    """Return the originals and edited copies up to `count`, shuffled; texts below 8 characters stay alone."""
    draw = random.Random(seed)
    rows: list[tuple[str, str | None, int]] = [(text, None, place) for place, text in enumerate(originals)]
    long_enough = [place for place, text in enumerate(originals) if len(text) >= 8]
    while len(rows) < count:
        place = draw.choice(long_enough)
        edit = draw.choice(list(EDITS))
        rows.append((EDITS[edit](draw, originals[place]), edit, place))
    order = draw.sample(range(len(rows)), len(rows))
    position = {row: new for new, row in enumerate(order)}
    edits = {
        position[row]: (edit, position[place])
        for row, (_, edit, place) in enumerate(rows)
        if edit is not None
    }
    return Planted([rows[row][0] for row in order], edits)


def enlarged(originals: Sequence[str], texts: Sequence[str], count: int, *, seed: int = 1) -> list[str]:
    """Return the texts and, up to `count`, heads of one original with the tail of another, and more edits."""
    draw = random.Random(seed)
    result = list(texts)
    edits = list(EDITS.values())
    long_enough = [text for text in originals if len(text) >= 8]
    while len(result) < count:
        one, other = draw.choice(long_enough), draw.choice(long_enough)
        cut = draw.randrange(1, len(one))
        result.append(draw.choice(edits)(draw, one) if draw.random() < 0.4 else one[:cut] + other[-cut:])
    return result


def _typo(draw: random.Random, text: str) -> str:
    place, kind = draw.randrange(len(text)), draw.randrange(3)
    letter = draw.choice(_COMMON if _CHINESE.search(text) else "abcdefghijklmnopqrstuvwxyz")
    return text[:place] + (letter if kind else "") + text[place + (kind < 2) :]


def _greeting(draw: random.Random, text: str) -> str:
    words = ["你好，", "您好！", "请问，"] if _CHINESE.search(text) else ["Hi, ", "Hello! ", "Good morning, "]
    return draw.choice(words) + text


def _spelling(draw: random.Random, text: str) -> str:
    place = draw.randrange(1, len(text))
    if _CHINESE.search(text):
        return text[:place] + "，" + text[place:] + "！！"
    return text.replace(" ", ", ", 1).upper() + "!!"


def _swapped(draw: random.Random, text: str) -> str:
    parts: Sequence[str] = text if _CHINESE.search(text) else text.split()
    middle, joint = len(parts) // 2, "" if _CHINESE.search(text) else " "
    return joint.join([*parts[middle:], *parts[:middle]])


def _word(draw: random.Random, text: str) -> str:
    if _CHINESE.search(text):
        place = draw.randrange(len(text) - 1)
        return text[:place] + draw.choice(_COMMON) + draw.choice(_COMMON) + text[place + 2 :]
    words = text.split()
    known = [place for place, word in enumerate(words) if word.lower() in _SYNONYMS]
    place = draw.choice(known or range(len(words)))
    words[place] = _SYNONYMS.get(words[place].lower(), draw.choice(["currently", "please", "actually"]))
    return " ".join(words)


EDITS: dict[str, Callable[[random.Random, str], str]] = {
    "typo": _typo, "greeting": _greeting, "case and punctuation": _spelling, "halves swapped": _swapped,
    "word replaced": _word,
}  # fmt: skip


def measure(system: str, planted: Planted, repeats: int) -> dict[str, Any]:
    """Let a system group the texts in a process of its own and score what it found."""
    with tempfile.TemporaryDirectory() as work:
        given, answer = Path(work) / "texts.json", Path(work) / "answer.json"
        given.write_text(json.dumps(planted.texts), encoding="utf-8")
        command = [str(_python(system)), "-m", "benchmarks.runners.near_duplicates", system]
        found = []
        for _ in range(repeats):
            _run([*command, str(given), str(answer)], system)
            found.append(json.loads(answer.read_text(encoding="utf-8")))
    seconds = [each["seconds"] for each in found]
    row = {
        "system": system,
        "version": found[0]["version"],
        "texts": len(planted.texts),
        "seconds": {"median": statistics.median(seconds), "low": min(seconds), "high": max(seconds)},
        "cpu_seconds": min(each["cpu_seconds"] for each in found),
        "load": os.getloadavg()[0],
        "peak_memory_bytes": max(each["peak_memory_bytes"] for each in found),
        "memory_before_bytes": max(each["peak_memory_bytes_before"] for each in found),
        "groups": len(found[0]["groups"]),
        "grouped": sum(map(len, found[0]["groups"])),
        "largest": max(map(len, found[0]["groups"]), default=0),
    }
    return row | (scored(planted, found[0]["groups"]) if planted.edits else {})


def scored(planted: Planted, groups: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Return recall per edit and language, and the share of sampled pairs of group-mates that belong together.

    A pair belongs together if both come from one original, or `difflib` finds the normalised texts alike.
    """
    group_of = {place: number for number, members in enumerate(groups) for place in members}
    hits: dict[str, list[bool]] = {}
    for place, (edit, original) in planted.edits.items():
        language = "zh" if _CHINESE.search(planted.texts[original]) else "en"
        together = place in group_of and group_of[place] == group_of.get(original)
        for name in (edit, language, "all"):
            hits.setdefault(name, []).append(together)
    draw = random.Random(7)
    grouped = sorted(group_of)
    right = 0
    for _ in range(_JUDGED):
        one = draw.choice(grouped)
        other = draw.choice([place for place in groups[group_of[one]] if place != one])
        right += _belong(planted, one, other)
    return {
        "recall": {name: round(sum(mine) / len(mine), 4) for name, mine in hits.items()},
        "precision": right / _JUDGED,
    }


def _belong(planted: Planted, one: int, other: int) -> bool:
    first, second = (planted.edits.get(place, ("", place))[1] for place in (one, other))
    if first == second:
        return True
    left, right = normalise(planted.texts[one]), normalise(planted.texts[other])
    return difflib.SequenceMatcher(None, left, right, autojunk=False).ratio() >= _ALIKE


def _python(system: str) -> Path:
    """Return the interpreter of the system's environment, made from its pins if they have changed."""
    if system not in _ENVIRONMENTS:
        return Path(sys.executable)
    pins = _HOME / "peers" / f"{_ENVIRONMENTS[system]}.requirements.txt"
    mark = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    place = settings().cache_directory / "peers" / f"{_ENVIRONMENTS[system]}-{mark}"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = place / "ready"
    if not ready.exists():
        say(f"Setting up {_ENVIRONMENTS[system]} in {place} (a minute, once)")
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(place)],
            [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", str(pins)],
        ):
            _run(command, system)
        ready.touch()
    return python


def _run(command: list[str], system: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=_HOME.parent)
    if done.returncode:
        raise ExternalError(
            f"'{system}' failed:\n{done.stderr.strip()[-500:]}",
            hint="Check the network if it was being installed, or leave it out with --systems.",
        )


if __name__ == "__main__":
    main()

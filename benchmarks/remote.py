"""How a model behind an API fares with a service that misbehaves: throughput, budget, `kill -9`, the cache.

Against a real server on the loopback address, in a process of its own. Its ideal throughput is what it can do
by its own rules: all its places always at work, or all the calls its rate lets through. Writes
`results/remote.json`:

    python -m benchmarks.remote [--records 4000] [--kills 20] [--only throughput,budget,kills,cache]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.servers.misbehaving import Misbehaving

from sftloop.core.errors import ExternalError
from sftloop.core.files import atomic_write_json
from sftloop.core.progress import say
from sftloop.evaluate.predict import predict_records
from sftloop.models.remote import BudgetSpentError, Endpoint, Prices, RemoteModel
from sftloop.models.remote.question import Question, questions
from sftloop.models.remote.reply import Reply, Token
from sftloop.records import Record
from sftloop.scenario import Answer, Scenario, load_scenario

_RESULTS = Path(__file__).parent / "results" / "remote.json"
_FAULTS = {"500": 0.015, "cut": 0.01, "malformed": 0.01, "hang": 0.003, "slow": 0.01}
_SECONDS = 0.8
"""What an answer takes on average."""
_PLACES, _PER_SECOND = 24, 30.0
_AT_ONCE = 16
"""Most calls at once while the process is killed."""
_YAML = """\
name: remote
model: small
tasks:
  kind: {kind: choice, input: [text], labels: {w30: One., w31: Another.}}
"""


def main() -> None:
    """Measure each part and write after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=4000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--only", default="throughput,budget,kills,cache")
    parser.add_argument("--out", type=Path, default=_RESULTS)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _answer_all(Path(options.child[0]), options.child[1])
        return
    found = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    parts: dict[str, Callable[[], Any]] = {
        "throughput": lambda: throughput(options.records),
        "budget": budget,
        "kills": lambda: kills(options.kills),
        "cache": cache,
    }
    for name in options.only.split(","):
        found[name] = parts[name]()
        say(f"{name}: {json.dumps(found[name])}")
        atomic_write_json(options.out, found)


def throughput(count: int) -> dict[str, Any]:
    """Return the share of the ideal, for a server with places and for one with a rate, both with faults."""
    limits: dict[str, dict[str, Any]] = {"places": {"capacity": _PLACES}, "rate": {"rate": _PER_SECOND}}
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        scenario, records = _case(Path(place), count)
        for name, limit in limits.items():
            with _served(seconds=_SECONDS, faults=_FAULTS, **limit) as server:
                with RemoteModel(
                    Endpoint(base_url=server.url, model="small"), cache=Path(place, f"{name}.sqlite")
                ) as model:
                    began, cpu = time.monotonic(), _cpu_seconds()
                    predictions = list(model.predict(scenario, "kind", records))
                    seconds, cpu = time.monotonic() - began, _cpu_seconds() - cpu
                seen = server.seen()
            passed = sum(number for status, number in seen["statuses"].items() if status != "429")
            ideal = seen["worked_seconds"] / _PLACES if name == "places" else passed / _PER_SECOND
            found[name] = {
                "records": count,
                "seconds": round(seconds, 1),
                "ideal_seconds": round(ideal, 1),
                "share_of_ideal": round(ideal / seconds, 3),
                "cpu_seconds": round(cpu, 1),
                "lost": count - len({p.id for p in predictions}),
                "doubled": len(predictions) - len({p.id for p in predictions}),
                "errors": sum(p.error is not None for p in predictions),
                "answered_more_than_once": sum(times > 1 for times in seen["answered"].values()),
                "statuses": seen["statuses"],
                "most_at_once": seen["most_at_once"],
            }
    return found


def budget() -> dict[str, Any]:
    """Return what was spent of ten budgets, while answers break and calls come at once."""
    prices = Prices(input=1_000.0, output=2_000.0)
    rows = []
    with tempfile.TemporaryDirectory() as place:
        scenario, records = _case(Path(place), 600)
        for run in range(10):
            limit = 0.5 * 1.5**run
            with _served(seconds=0.02, faults=_FAULTS | {"hang": 0.0}, capacity=16, seed=run) as server:
                endpoint = Endpoint(base_url=server.url, model="small", prices=prices)
                with RemoteModel(endpoint, budget=limit, cache=Path(place, f"{run}.sqlite")) as model:
                    kept, ended = _until_the_end(model, scenario, records)
                    costs = model.costs
                time.sleep(0.2)
                seen = server.seen()
            rows.append(
                {
                    "budget": round(limit, 3),
                    "spent": costs.spent,
                    "beyond": max(0.0, (costs.spent or 0.0) - limit),
                    "ended_by_budget": ended,
                    "answers": kept,
                    "calls_counted": costs.calls,
                    "calls_seen": sum(seen["statuses"].values()),
                }
            )
    return {"runs": rows, "beyond": max(row["beyond"] for row in rows)}


def _until_the_end(model: RemoteModel, scenario: Scenario, records: list[Record]) -> tuple[int, bool]:
    kept = 0
    try:
        for _ in model.predict(scenario, "kind", records):
            kept += 1
    except BudgetSpentError:
        return kept, True
    except ExternalError as error:
        say(str(error))
    return kept, False


def kills(count: int) -> dict[str, Any]:
    """Return what many `kill -9` cost: calls answered twice, against the calls in flight at each kill."""
    draw = random.Random(0)
    with (
        tempfile.TemporaryDirectory() as name,
        _served(seconds=0.1, faults=_FAULTS | {"hang": 0.0}) as server,
    ):
        place = Path(name)
        _, records = _case(place, 150 * (count + 1))
        rows = "".join(json.dumps(record.to_json()) + "\n" for record in records)
        (place / "records.jsonl").write_text(rows, encoding="utf-8")
        done, in_flight = 0, []
        for _ in range(count):
            process = _child(place, server.url)
            until = done + draw.randint(20, 120)
            while process.poll() is None and len(server.seen()["answered"]) < until:
                time.sleep(0.02)
            in_flight.append(server.seen()["at_once"])
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            time.sleep(0.3)
            done = len(server.seen()["answered"])
        code = _child(place, server.url).wait()
        answered = server.seen()["answered"]
        found = [json.loads(line) for line in (place / "found.jsonl").read_text().splitlines()]
    ids = [row["id"] for row in found]
    return {
        "kills": count,
        "exit_code": code,
        "records": len(records),
        "lost": len(records) - len(set(ids)),
        "doubled": len(ids) - len(set(ids)),
        "errors": sum("error" in row for row in found),
        "asked_again": sum(answered.values()) - len(answered),
        "in_flight_at_kills": sum(in_flight),
        "most_in_flight": _AT_ONCE,
    }


def cache() -> dict[str, Any]:
    """Return how long 10,000 answers from the cache take, with no service to ask."""
    with tempfile.TemporaryDirectory() as place:
        scenario, records = _case(Path(place), 10_000)
        endpoint = Endpoint(base_url="http://127.0.0.1:9/v1", model="small")
        with RemoteModel(endpoint, cache=Path(place, "cache.sqlite")) as model:
            for question in questions(scenario, scenario.tasks["kind"], records):
                model._keep(question.key(endpoint), _reply(question))
            size = sum(path.stat().st_size for path in Path(place).glob("cache.sqlite*"))
            began, cpu = time.monotonic(), _cpu_seconds()
            found = predict_records(model, scenario, records, Path(place, "found.jsonl"))
            seconds, cpu = time.monotonic() - began, _cpu_seconds() - cpu
    return {"rows": len(found), "bytes": size, "seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2)}


def _reply(question: Question) -> Reply:
    """An answer of 60 tokens, each with 20 listed ones and their log-probabilities, as the client keeps it."""
    draw = random.Random(question.messages[-1]["content"])
    tokens = [
        Token(piece, -0.1, tuple((f"w{n}".encode(), -draw.expovariate(0.2)) for n in range(20, 40)))
        for piece in [b"w30", *[b" four"] * 59]
    ]
    reply = Reply(text="w30", finish="stop", model="small", tokens=tuple(tokens))
    return reply.with_tokens_up_to(question.label_bytes)


def _case(place: Path, count: int) -> tuple[Scenario, list[Record]]:
    (place / "scenario.yaml").write_text(_YAML, encoding="utf-8")
    records = [
        Record(id=f"r{n}", task="kind", input={"text": f"message {n}"}, answer=Answer(label="w30"))
        for n in range(count)
    ]
    return load_scenario(place), records


def _child(place: Path, url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.remote", "--child", str(place), url]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def _answer_all(place: Path, url: str) -> None:
    rows = (place / "records.jsonl").read_text(encoding="utf-8").splitlines()
    records = [Record.from_json(json.loads(row)) for row in rows]
    endpoint = Endpoint(base_url=url, model="small", most_at_once=_AT_ONCE)
    with RemoteModel(endpoint, cache=place / "cache.sqlite") as model:
        predict_records(model, load_scenario(place), records, place / "found.jsonl")


def _cpu_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


class _Served:
    """A server in another process, and what it has seen."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.url: str = pipe.recv()

    def seen(self) -> dict[str, Any]:
        self._pipe.send("seen")
        found: dict[str, Any] = self._pipe.recv()
        return found


@contextmanager
def _served(**rules: Any) -> Iterator[_Served]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, rules), daemon=True)
    process.start()
    try:
        yield _Served(ours)
    finally:
        ours.send("end")
        process.join()


def _serve(pipe: Connection, rules: dict[str, Any]) -> None:
    names = ("statuses", "answered", "worked_seconds", "at_once", "most_at_once")
    with Misbehaving(**rules) as server:
        pipe.send(server.url)
        while pipe.recv() == "seen":
            pipe.send(
                {name: dict(v) if isinstance(v := getattr(server, name), dict) else v for name in names}
            )


if __name__ == "__main__":
    main()

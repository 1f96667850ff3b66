"""An API that fails in all the ways APIs do: refuses, breaks, hangs, cuts, babbles, denies its models.

A real server on the loopback address, in a thread of its own. What goes wrong is a script, one word per call,
or chance; what it takes at once and per second can be bounded, and beyond that it answers 429.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.patience import CLOSING_SECONDS, ended

Body = dict[str, Any]


@dataclass(kw_only=True)
class Misbehaving:
    """The server's rules, and what it has seen.

    Use it as a context manager; `url` is the API's address.
    """

    model: str = "small"
    key: str | None = None
    """Calls with another one are refused."""
    answer: Callable[[Body], str] = lambda body: "w30"
    finish: str = "stop"
    seconds: float = 0.0
    """An answer takes half to one and a half times as long."""
    capacity: int | None = None
    """Calls worked on at once; one more is refused."""
    rate: float | None = None
    """Calls per second; a second's worth may come at once."""
    retry_after: str | None = "1"
    script: Iterable[str] = ()
    """What the first calls meet; `ok` answers."""
    faults: Mapping[str, float] = field(default_factory=dict)
    """What any later call meets, with its probability."""
    fate_of: Callable[[Body], str | None] = lambda body: None
    """What this very call meets, each time."""
    takes_no: tuple[str, ...] = ()
    """Keys of a call that are refused with status 400."""
    count_tokens: bool = True
    escapes: bool = False
    """Slashes in JSON get a backslash, as some writers of JSON do."""
    seed: int = 0

    bodies: list[Body] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """When each came, in monotonic seconds."""
    statuses: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    """Whole answers per last message."""
    at_once: int = 0
    most_at_once: int = 0
    worked_seconds: float = 0.0
    url: str = ""

    def __enter__(self) -> Misbehaving:
        self._draw = random.Random(self.seed)
        self._script = iter(self.script)
        self._tokens, self._filled = self.rate or 0.0, time.monotonic()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(CLOSING_SECONDS)
        return self

    def __exit__(self, *details: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(CLOSING_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        ended(self._thread)

    async def _listen(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def _stop(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one call; return whether the connection is kept."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        verb, path, _ = first.split(" ")
        if verb == "GET" and path.endswith("/models"):
            return await self._write(writer, 200, {"data": [{"id": self.model}]})
        if not path.startswith("/v1/chat/completions"):
            return await self._write(writer, 404, {"detail": "Not Found"})
        body = json.loads(raw)
        self.bodies.append(body)
        self.times.append(time.monotonic())
        refusal = self._refusal(body, headers)
        if refusal is not None:
            status, error = refusal
            more = {"Retry-After": self.retry_after} if status == 429 and self.retry_after else {}
            return await self._write(writer, status, {"error": error}, more)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._work(reader, writer, body)
        finally:
            self.at_once -= 1

    def _refusal(self, body: Body, headers: Mapping[str, str]) -> tuple[int, Body] | None:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if self.key is not None and given != self.key:
            return 401, {"message": f"Incorrect API key provided: {given}", "code": "invalid_api_key"}
        if body["model"] != self.model:
            message = f"The model '{body['model']}' does not exist"
            return 404, {"message": message, "code": "model_not_found"}
        for part in self.takes_no:
            if part in body:
                return 400, {"message": f"Unsupported parameter: '{part}' is not supported with this model."}
        if self.capacity is not None and self.at_once >= self.capacity:
            return 429, {"message": "Too many calls at once"}
        if self.rate is not None and not self._token():
            return 429, {"message": "Too many calls per second"}
        return None

    def _token(self) -> bool:
        now = time.monotonic()
        rate = self.rate or 0.0
        self._tokens = min(rate, self._tokens + rate * (now - self._filled))
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _fate(self, body: Body) -> str:
        own = self.fate_of(body)
        if own is not None:
            return own
        scripted = next(self._script, None)
        if scripted is not None:
            return scripted
        point = self._draw.random()
        for fault, share in self.faults.items():
            if point < share:
                return fault
            point -= share
        return "ok"

    async def _work(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: Body) -> bool:
        fate = self._fate(body)
        if fate == "hang":
            self.statuses["hang"] += 1
            await reader.read(1)  # until the caller loses patience
            return False
        began = time.monotonic()
        await asyncio.sleep(self.seconds * self._draw.uniform(0.5, 1.5))
        self.worked_seconds += time.monotonic() - began
        if fate == "cut":
            self.statuses["cut"] += 1
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"choi')
            await writer.drain()
            return False
        if fate == "malformed":
            return await self._write(writer, 200, '{"choices": [{"message": {"cont')
        if fate == "html":
            return await self._write(writer, 200, "<html>Welcome</html>", {"Content-Type": "text/html"})
        if fate.isdigit():
            more = {"Retry-After": self.retry_after} if fate in ("429", "503") and self.retry_after else {}
            return await self._write(writer, int(fate), {"error": {"message": "scripted"}}, more)
        completion = self._completion(body, other_name=fate == "other_name")
        kept = await self._write(writer, 200, completion, trickle=fate == "slow")
        self.answered[body["messages"][-1]["content"]] += 1
        return kept

    def _completion(self, body: Body, *, other_name: bool) -> Body:
        text = self.answer(body)
        whole: dict[str, Any] = {
            "model": "another" if other_name else self.model,
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": self.finish}],
        }
        if self.count_tokens:
            prompt = sum(len(message["content"].split()) for message in body["messages"])
            whole["usage"] = {"prompt_tokens": prompt, "completion_tokens": len(text.split())}
        return whole

    async def _write(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        body: object,
        headers: Mapping[str, str] | None = None,
        *,
        trickle: bool = False,
    ) -> bool:
        self.statuses[str(status)] += 1
        text = body if isinstance(body, str) else json.dumps(body)
        raw = (text.replace("/", r"\/") if self.escapes else text).encode()
        lines = {"Content-Type": "application/json", "Content-Length": str(len(raw)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"HTTP/1.1 {status} -\r\n{head}\r\n".encode())
        for start in range(0, len(raw), 8) if trickle else ():
            writer.write(raw[start : start + 8])
            await writer.drain()
            await asyncio.sleep(0.02)
        if not trickle:
            writer.write(raw)
        await writer.drain()
        return True

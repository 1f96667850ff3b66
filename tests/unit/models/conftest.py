"""Tiny models on disk, and a hub on this machine that serves them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.patience import ended
from tests.tiny_models import VOCABULARY, tiny_model
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from sftloop.models import hub
from sftloop.models.cache import ModelCache

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}"


def save_tokenizer(directory: Path) -> None:
    words = {"<pad>": 0, "<s>": 1, "</s>": 2, **{f"w{n}": n for n in range(3, VOCABULARY)}}
    core = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="</s>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(directory)


@pytest.fixture
def save_model(tmp_path: Path) -> Callable[..., Path]:
    def save(name: str = "tiny", architecture: str = "llama", seed: int = 0) -> Path:
        directory = tmp_path / name
        tiny_model(architecture, seed).save_pretrained(directory)
        save_tokenizer(directory)
        return directory

    return save


@pytest.fixture
def model(save_model: Callable[..., Path]) -> Path:
    return save_model()


@pytest.fixture
def cache(tmp_path: Path) -> ModelCache:
    return ModelCache(tmp_path / "cache")


@pytest.fixture
def edit_config() -> Callable[..., None]:
    def edit(directory: Path, **changes: object) -> None:
        path = directory / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


@dataclass
class Hub:
    """Speaks as much of the hub's protocol as fetching needs: the file list, and files with their hashes."""

    repositories: dict[str, Path] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    break_after: int | None = None
    """Break the connection of a file's transfer after so many files."""
    endpoint: str = ""


def _handler(state: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *parts: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            path = self.path.partition("?")[0]
            state.requests.append(f"{self.command} {path}")
            if path.startswith("/api/models/"):
                self.listing(path.removeprefix("/api/models/"))
                return
            repository, _, rest = path.lstrip("/").partition("/resolve/")
            file = state.repositories[repository] / rest.partition("/")[2]
            if not file.is_file():
                self.reply(404, b"", {"X-Error-Code": "EntryNotFound"})
                return
            raw = file.read_bytes()
            headers = {"ETag": f'"{sha1(raw).hexdigest()}"', "X-Repo-Commit": "c" * 40}
            if body:
                state.fetched.append(file.name)
                if state.break_after is not None and len(state.fetched) > state.break_after:
                    self.close_connection = True
                    self.connection.close()
                    return
            self.reply(200, raw, headers, body=body)

        def listing(self, rest: str) -> None:
            repository = rest.partition("/revision/")[0]
            tree = "/tree/" in repository
            if tree:
                repository = repository.partition("/tree/")[0]
            if repository not in state.repositories:
                self.reply(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            elif repository in state.gated:
                self.reply(403, b"{}", {"X-Error-Code": "GatedRepo"})
            else:
                root = state.repositories[repository]
                files = [path for path in sorted(root.rglob("*")) if path.is_file()]
                names = [(path.relative_to(root).as_posix(), path.stat().st_size) for path in files]
                if tree:
                    rows = [{"type": "file", "path": n, "size": s, "oid": "0" * 40} for n, s in names]
                    self.reply(200, json.dumps(rows).encode(), {})
                    return
                siblings = [{"rfilename": name, "size": size} for name, size in names]
                answer = {"id": repository, "sha": "c" * 40, "siblings": siblings, "tags": []}
                self.reply(200, json.dumps(answer).encode(), {})

        def reply(self, status: int, raw: bytes, headers: dict[str, str], *, body: bool = True) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(raw)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if body and self.command != "HEAD":
                self.wfile.write(raw)

    return Handler


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    state = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    for name in ("HF_HUB_OFFLINE", "SFTLOOP_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    hub._unreachable.clear()
    yield state
    server.shutdown()
    server.server_close()
    ended(thread)
    hub._unreachable.clear()

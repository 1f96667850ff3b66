"""Fetches a model's safetensors, configuration and tokenizer from Hugging Face or ModelScope.

Never fetches pickles or code, gives up within seconds when a hub does not answer, and remembers that for a
while. Doesn't know the cache's layout or which hub is asked first.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import ExternalError, ModelError
from sftloop.models.cache import Log, check_room

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

TIMEOUT_SECONDS = 8.0
"""How long a hub may take to say the first word."""
_FORGET_SECONDS = 300.0
_TEXT_FILES = re.compile(
    r"(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab"
    r"|chat_template|model\.safetensors\.index)\.json|merges\.txt|(tokenizer|spiece)\.model|chat_template\.jinja"
)
_WEIGHT_FILES = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_PICKLES = re.compile(r".*\.(bin|pt|pth|ckpt|pkl)")
_unreachable: dict[str, float] = {}


class HubUnreachable(ModelError):
    """The hub did not answer; another source may have the model."""

    exit_code = 3


class NotOnHub(ModelError):
    """The hub answered that it has no such model for this user."""


def is_wanted(name: str) -> bool:
    """Tell whether a repository's file is fetched: top-level weights, configuration and tokenizer only.

    Args:
        name: path inside the repository.
    """
    return bool(_TEXT_FILES.fullmatch(name) or _WEIGHT_FILES.fullmatch(name))


def fetch_from_hugging_face(
    repository: str, target: Path, *, endpoint: str | None = None, log: Log | None = None
) -> dict[str, Any]:
    """Fetch a model's files into `target`, going on where an earlier try stopped.

    Args:
        repository: `organisation/name`.
        target: an existing directory; files end up directly in it.
        endpoint: another address of the hub (a mirror); by default the one huggingface_hub is set to.
        log: is told what is fetched.

    Returns:
        Source, repository, revision and licence, for the provenance file.

    Raises:
        HubUnreachable: no answer within seconds, or the connection broke.
        NotOnHub: no such repository, or it is gated and this user has no access.
        ModelError: the repository has no safetensors.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    key = endpoint or "Hugging Face"
    _skip_if_unreachable(key, "Hugging Face")
    api = HfApi(endpoint=endpoint)
    try:
        info = api.model_info(repository, timeout=TIMEOUT_SECONDS, files_metadata=True)
    except Exception as error:
        raise _hugging_face_error(error, repository, key) from error
    files = _choose(info, repository)
    check_room(target, sum(file.size or 0 for file in files))
    if log:
        log(f"Fetching {repository} from Hugging Face ({_gigabytes(files)})")
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        snapshot_download(
            repository,
            revision=info.sha,
            local_dir=target,
            allow_patterns=[file.rfilename for file in files],
            etag_timeout=TIMEOUT_SECONDS,
            endpoint=endpoint,
        )
    except Exception as error:
        raise _hugging_face_error(error, repository, key) from error
    card = info.card_data
    licence = getattr(card, "license", None) if card else None
    return {"source": "hugging_face", "repository": repository, "revision": info.sha, "licence": licence}


def find_in_hugging_face_cache(repository: str) -> Path | None:
    """Return the directory where other programs already keep this model, or None; asks no network."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(repository, "config.json")
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def modelscope_installed() -> bool:
    """Tell whether the optional package that speaks to ModelScope is here."""
    return find_spec("modelscope") is not None


def fetch_from_modelscope(repository: str, target: Path, *, log: Log | None = None) -> dict[str, Any]:
    """Fetch a model's files from ModelScope into `target`, through the `modelscope` package.

    Returns and raises as `fetch_from_hugging_face`; ask `modelscope_installed` first.
    """
    _skip_if_unreachable("ModelScope", "ModelScope")
    from modelscope import snapshot_download
    from modelscope.hub.utils.utils import get_endpoint

    _probe(get_endpoint())
    if log:
        log(f"Fetching {repository} from ModelScope")
    patterns = [
        "*.json",
        "merges.txt",
        "*.model",
        "*.jinja",
        "model*.safetensors",
    ]
    try:
        snapshot_download(
            repository, local_dir=str(target), allow_file_pattern=patterns, ignore_file_pattern=["*/*"]
        )
    except Exception as error:
        raise NotOnHub(f"ModelScope did not give '{repository}': {_first_line(error)}") from error
    return {"source": "modelscope", "repository": repository}


def _choose(info: ModelInfo, repository: str) -> Sequence[RepoSibling]:
    names = [file.rfilename for file in info.siblings or []]
    if not any(_WEIGHT_FILES.fullmatch(name) for name in names):
        pickles = [name for name in names if _PICKLES.fullmatch(name)]
        what = f"only pickles ({pickles[0]}), which can run code when opened" if pickles else "no weights"
        raise ModelError(
            f"The repository '{repository}' has no safetensors: it has {what}.",
            hint="Choose a repository with model.safetensors, or convert the weights and give the directory.",
        )
    return [file for file in info.siblings or [] if is_wanted(file.rfilename)]


def _hugging_face_error(error: Exception, repository: str, key: str) -> Exception:
    """Return what to raise for an error of huggingface_hub or of the network below it."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return NotOnHub(
            f"'{repository}' is gated on Hugging Face: its licence must be accepted with an account first.",
            hint=f"Accept it on the page of {repository}, then run `hf auth login`.",
        )
    if isinstance(error, (errors.RepositoryNotFoundError, errors.RevisionNotFoundError)):
        return NotOnHub(f"Hugging Face has no public model '{repository}'.")
    if isinstance(error, errors.HFValidationError):
        return NotOnHub(f"'{repository}' can't be a repository's name.")
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
        if error.filename:
            return ExternalError(f"Can't write '{error.filename}': {error.strerror}.", hint="Free space.")
    _unreachable[key] = time.monotonic()
    return HubUnreachable(f"Hugging Face can't be reached ({_first_line(error)}).")


def _probe(endpoint: str) -> None:
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        urlopen(endpoint, timeout=TIMEOUT_SECONDS).close()
    except HTTPError:
        return
    except (URLError, OSError, ValueError) as error:
        _unreachable["ModelScope"] = time.monotonic()
        raise HubUnreachable(f"ModelScope can't be reached ({_first_line(error)}).") from error


def _skip_if_unreachable(key: str, name: str) -> None:
    since = _unreachable.get(key)
    if since is not None and time.monotonic() - since < _FORGET_SECONDS:
        raise HubUnreachable(f"{name} could not be reached a moment ago.")


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__


def _gigabytes(files: Sequence[RepoSibling]) -> str:
    size = sum(file.size or 0 for file in files)
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"

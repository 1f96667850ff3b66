"""Reading text and writing files so that a reader never sees a half-written one.

Doesn't know what the files mean; JSON Lines have their own module.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sftloop.core.errors import DataError, ExternalError

_BLOCK_BYTES = 1 << 20
HALF_CHARACTERS = "backslashreplace"
"""Half a character, which UTF-8 can't hold, is written as its escape: in JSON `\\ud83d` stays what it was."""


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's write errors (disk full, no permission) into one clear message.

    Raises:
        ExternalError: naming `path` and the system's reason.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExternalError(
            f"Can't write '{path}': {reason}.", hint="Free space or choose another place, then run it again."
        ) from error


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[str]]:
    """Open a temporary file beside `path` for UTF-8 text; it takes the name `path` only when complete.

    A link stays one: what it points at is written. An existing file keeps its permissions.

    Raises:
        ExternalError: the disk is full, the folder can't be written to, or `path` is a folder or a device; it is
            then untouched.
    """
    with disk_errors(path):
        require_ordinary(path)
        path = Path(os.path.realpath(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors=HALF_CHARACTERS, newline="\n") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, mode)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def require_ordinary(path: Path) -> None:
    """Refuse to write where a folder, a device or a pipe is; a file and nothing at all are fine.

    Raises:
        OSError: something else than a file is there.
    """
    if other := no_file(path):
        raise OSError(errno.EINVAL, f"it is {other}")


def no_file(path: Path) -> str | None:
    """Return what is there in a file's place, None where a file is or nothing."""
    if not os.path.exists(path) or os.path.isfile(path):
        return None
    return "a folder" if os.path.isdir(path) else "no ordinary file"


def parse_json(text: str) -> Any:
    """Parse JSON, refusing an object in which a key appears twice.

    `json.loads` with a hook would build a decoder for every text, which takes as long as reading a row.

    Raises:
        ValueError: no JSON, or a repeated key.
    """
    return UNIQUE_KEYS.decode(text)


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object for `json.loads(object_pairs_hook=…)`, refusing a key that appears twice."""
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key '{next(name for name in names if names.count(name) > 1)}' appears twice")
    return value


UNIQUE_KEYS = json.JSONDecoder(object_pairs_hook=unique_keys)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def atomic_write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all."""
    with atomic_writer(path) as stream:
        stream.write(text)


def atomic_write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all."""
    atomic_write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def read_text(path: Path, what: str) -> str:
    """Return the file's text (UTF-8, a byte-order mark is dropped).

    Args:
        path: the file.
        what: what the file is to the user, for the message ("the scenario").

    Raises:
        DataError: missing, a directory, empty, or not UTF-8 (the message names the offending byte).
    """
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(f"'{path}' ({what}) does not exist.", hint="Check the path.") from None
    except OSError as error:
        raise DataError(f"'{path}' ({what}) can't be read: {error.strerror}.") from None
    return decode_utf8(raw, path, what)


def decode_utf8(raw: bytes, path: Path, what: str) -> str:
    """Decode `raw` as UTF-8 or say where and why it is not; empty content is refused too."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"'{path}' ({what}) is not UTF-8: byte 0x{raw[error.start]:02x} on line {line}.",
            hint="Save it as UTF-8 (from GBK: iconv -f GBK -t UTF-8 old > new).",
        ) from None
    if not text.strip():
        raise DataError(f"'{path}' ({what}) is empty.", hint="Fill it or leave it out of the scenario.")
    return text


def read_json(path: Path, what: str) -> Any:
    """Return the parsed JSON of a file.

    Raises:
        DataError: as `read_text`, or malformed JSON (the message names line and column).
    """
    text = read_text(path, what)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{error.lineno}:{error.colno}: malformed JSON ({what}): {error.msg}."
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"'{path}' ({what}): {json_problem(error)}.") from None


def json_problem(error: ValueError | RecursionError) -> str:
    """Say why `json.loads` refused one line: malformed at a column, nested too deeply, a number too long."""
    if isinstance(error, json.JSONDecodeError):
        return f"malformed JSON at column {error.colno}: {error.msg}"
    if isinstance(error, RecursionError):
        return "malformed JSON: nested too deeply"
    return f"malformed JSON: {str(error).partition(';')[0]}"


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def sha256_json(value: Any) -> str:
    """Return the hexadecimal SHA-256 of `value` as canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()

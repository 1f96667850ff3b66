"""What every page needs whatever it is about: the templates, head and foot, and one file of bounded size.

Doesn't know what a page shows in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import ExternalError
from sftloop.core.files import atomic_write_text
from sftloop.report.reproduce import reproduce_section
from sftloop.report.saved_result import SavedResult
from sftloop.report.wording import Words

if TYPE_CHECKING:
    from jinja2 import Environment

LARGEST_BYTES = 2_000_000
"""A page that mail and chat programs still carry, and that a phone opens at once."""


def frame(saved: SavedResult, words: Words) -> dict[str, Any]:
    """Return what the head and the foot of every page show."""
    return {
        "w": words,
        "scenario": saved.result["scenario"],
        "started": str(saved.manifest.get("started") or "")[:10],
        "reproduce": reproduce_section(saved.manifest, {}, words),
        "can_reproduce": bool(saved.manifest),
    }


def write_page(path: Path, template: str, contexts: Iterable[Mapping[str, Any]]) -> Path:
    """Write the first rendering that stays within `LARGEST_BYTES`, and return its path.

    Args:
        path: the page.
        template: name of its template.
        contexts: what the template shows, the fullest first; made only as far as needed.

    Raises:
        ExternalError: not even the last one fits, or the page can't be written.
    """
    chosen = templates().get_template(template)
    for context in contexts:
        page = chosen.render(context)
        if len(page.encode()) <= LARGEST_BYTES:
            atomic_write_text(path, page)
            return path
    raise ExternalError(
        f"The page '{path}' does not fit into {LARGEST_BYTES:,} bytes.",
        hint="The scenario has too many tasks or labels for one page; its figures are in the JSON file beside.",
    )


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Return the environment of the templates: everything is escaped, a missing value is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("sftloop.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

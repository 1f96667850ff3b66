"""Any run's directory in, its page out: which page that is, the result that lies there says.

Chooses a builder; lays nothing out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sftloop.core.errors import UsageError
from sftloop.report.audit_page import build_audit_page
from sftloop.report.build import build_report
from sftloop.report.compare_page import build_compare_page
from sftloop.report.diagnose_page import DIAGNOSE, build_diagnose_page
from sftloop.report.formats_page import FORMATS, build_formats_page
from sftloop.report.improve_page import build_improve_page
from sftloop.report.saved import SUMMARY
from sftloop.report.saved_comparison import COMPARE
from sftloop.report.saved_curation import AUDIT, SELECT
from sftloop.report.saved_improvement import IMPROVE
from sftloop.report.select_page import build_select_page
from sftloop.report.trainings_page import TRAININGS, build_trainings_page

_BUILDERS: Mapping[str, Callable[[Path], Path]] = {
    SUMMARY: build_report,
    COMPARE: build_compare_page,
    DIAGNOSE: build_diagnose_page,
    AUDIT: build_audit_page,
    SELECT: build_select_page,
    IMPROVE: build_improve_page,
    FORMATS: build_formats_page,
    TRAININGS: build_trainings_page,
}
"""Result file → what makes its page."""


def rebuild_page(run_directory: Path) -> Path:
    """Write the page of a finished run again, from what the run saved, and return the page's path.

    Raises:
        UsageError: the directory holds no result that has a page.
        DataError: a saved file is malformed.
        ExternalError: the page can't be written.
    """
    for name, build in _BUILDERS.items():
        if (run_directory / name).is_file():
            return build(run_directory)
    if not run_directory.is_dir():
        raise UsageError(
            f"There is no directory '{run_directory}'.", hint="Give the directory that a command wrote."
        )
    raise UsageError(
        f"'{run_directory}' holds no finished result that has a page: none of {', '.join(_BUILDERS)}.",
        hint="Give a run's own directory; an unfinished run goes on with the same command.",
    )

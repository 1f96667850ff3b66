"""Saved results to offline HTML pages. Renders what was computed elsewhere; computes nothing."""

from __future__ import annotations

from sftloop.report.audit_page import AUDIT_PAGE, build_audit_page
from sftloop.report.build import REPORT, build_report
from sftloop.report.diagnose_page import DIAGNOSE_PAGE, build_diagnose_page
from sftloop.report.select_page import SELECT_PAGE, build_select_page

__all__ = [
    "AUDIT_PAGE",
    "DIAGNOSE_PAGE",
    "REPORT",
    "SELECT_PAGE",
    "build_audit_page",
    "build_diagnose_page",
    "build_report",
    "build_select_page",
]

"""Saved results to one offline HTML page. Renders what was computed elsewhere; computes nothing."""

from __future__ import annotations

from sftloop.report.build import REPORT, build_report

__all__ = ["REPORT", "build_report"]

"""The form of answers, apart from what they say, and which deviate from what is usual in their task."""

from sftloop.curate.style.format_outliers import find_format_outliers

__all__ = ["find_format_outliers"]

"""Records that repeat each other, exactly or nearly: within a task, in contradiction, and across splits."""

from sftloop.curate.copies.duplicates import find_conflicts, find_duplicates
from sftloop.curate.copies.group_leaks import find_group_leaks
from sftloop.curate.copies.leaks import find_leaks
from sftloop.curate.copies.near_records import find_near_duplicates

__all__ = ["find_conflicts", "find_duplicates", "find_group_leaks", "find_leaks", "find_near_duplicates"]

"""Labels that are likely wrong: what models that never saw the records say of them."""

from sftloop.curate.labels.label_errors import find_label_errors

__all__ = ["find_label_errors"]

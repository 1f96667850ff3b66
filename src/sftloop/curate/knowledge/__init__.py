"""Which facts of the answers the base model knows, asked of it one by one."""

from sftloop.curate.knowledge.knowledge import measure_knowledge
from sftloop.curate.knowledge.short_facts import NOTHING_TO_KNOW
from sftloop.curate.knowledge.slick import CLASSES

__all__ = ["CLASSES", "NOTHING_TO_KNOW", "measure_knowledge"]

"""The three levels of difficulty, as tags and as measured."""

from __future__ import annotations

from typing import Literal, get_args

Level = Literal["easy", "boundary", "hard"]
LEVELS: tuple[Level, ...] = get_args(Level)

"""Annotations that are text while the module runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .shapes import Simple  # Imported, so not a command of this module.

if TYPE_CHECKING:
    from decimal import Decimal


class Later:
    """Annotated by text."""

    def __init__(self, name: str, count: int | None, price: Decimal | None = None, tags: list[str] | None = None):
        self.simple = Simple(name, count or 0)

    def execute(self, config, task_data):
        return self.simple.execute(config, task_data)

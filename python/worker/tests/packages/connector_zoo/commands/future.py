from __future__ import annotations

from typing import TYPE_CHECKING, List, Literal, Optional

if TYPE_CHECKING:
    from nowhere import Unknown


class Future:
    def __init__(
        self,
        text: str,
        unknown: Unknown,
        modern: str | None,
        size: "Optional[int]" = None,
        names: List[Unknown] | None = None,
        mode: Literal["a", "b"] = "a",
    ):
        self.text = text

    def execute(self, config, task_data):
        return {"response": self.text, "mimetype": "text/plain"}

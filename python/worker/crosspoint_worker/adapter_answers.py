"""From what an adapter returned to the result of a `call`."""

from __future__ import annotations

import json
from typing import Any, Dict

from .answers import Answers
from .failures import Failure


class FailedResult(Failure):
    """A `ConnectorResult` that says that it failed. It ran."""

    def __init__(self, action: str, text: str) -> None:
        message = f"{action} ran, and answered that it failed"
        super().__init__("adapter", "ResultFailed", message, "done")
        self._body = text

    def members(self) -> Dict[str, Any]:
        return {"body": json.loads(self._body)}


def written(action: str, result: Any, answers: Answers) -> str:
    """The JSON of a result: whatever it is, it is the body. A `ConnectorResult` is unpacked. Raises Failure."""
    meta: Dict[str, Any] = {}
    if _is_result(result):
        failed = str(getattr(result, "status", "success")).lower() == "failed"
        meta, result = result.meta or {}, result.data
        if failed:
            raise FailedResult(action, answers.json(action, {"data": result, "meta": meta}))
    body = answers.json(action, result)
    told = answers.json(action, {str(key): value for key, value in meta.items()}, "meta") if meta else "{}"
    return f'{{"version":3,"handed_over":false,"json":{body},"meta":{told}}}'


def _is_result(result: Any) -> bool:
    """Whether it is a `ConnectorResult`, ours, the real package's, or one of a subclass."""
    named = any(base.__name__ == "ConnectorResult" for base in type(result).__mro__)
    return named and hasattr(result, "data") and hasattr(result, "meta")

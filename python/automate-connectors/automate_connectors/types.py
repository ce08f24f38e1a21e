"""What adapters declare and return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional


@dataclass(frozen=True)
class ActionSpec:
    """One action of an adapter.

    `input_schema` and `output_schema` are JSON Schema. `inputs` and `outputs` are the short form of the how-to pages, a
    field's schema by its name with `required` in it: they fill the schemas where those are not given. An action that
    is `idempotent` may be run again after a failure.
    """

    name: str = ""
    description: str = ""
    input_schema: Dict[str, Any] = field(default_factory=dict)
    output_schema: Optional[Dict[str, Any]] = None
    side_effects: bool = False
    idempotent: bool = False
    inputs: Optional[Dict[str, Any]] = None
    outputs: Optional[Dict[str, Any]] = None

    def __post_init__(self) -> None:
        if self.inputs is not None and not self.input_schema:
            object.__setattr__(self, "input_schema", _schema(self.inputs))
        if self.outputs is not None and self.output_schema is None:
            object.__setattr__(self, "output_schema", _schema(self.outputs))


@dataclass(frozen=True)
class ConnectorResult:
    """What an action came to. `status` is `success` or `failed`; `meta` is about the result, such as a page's token."""

    status: str = "success"
    data: Any = None
    meta: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ConnectorCapabilities:
    """What an adapter says that it can do. Nothing depends on it."""

    supports_webhooks: bool = False
    supports_polling: bool = False
    supports_batch: bool = False
    supports_idempotency_key: bool = False
    supports_oauth: bool = False
    supports_rate_limit_headers: bool = False


def _schema(fields: Dict[str, Any]) -> Dict[str, Any]:
    """The JSON Schema of the short form. What is one already stays as it is."""
    if fields.get("type") == "object":
        return fields
    properties: Dict[str, Any] = {}
    required: List[str] = []
    for name, said in fields.items():
        if isinstance(said, str):
            said = {"type": said}
        schema = dict(said) if isinstance(said, dict) else {}
        # In JSON Schema it is a list, beside the properties.
        if isinstance(schema.get("required"), bool) and schema.pop("required"):
            required.append(name)
        properties[name] = schema
    schema = {"type": "object", "properties": properties}
    return {**schema, "required": required} if required else schema

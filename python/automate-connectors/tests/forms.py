"""Adapters in the forms of the real package's source (B) and of its how-to pages (C)."""

from __future__ import annotations

from typing import Any

from automate_connectors.adapters.base import ActionSpec, ConnectorAdapter, ValidationResult
from automate_connectors.errors import ConnectorError, ConnectorErrorCode
from automate_connectors.models import ConnectorError as ErrorOfModels
from automate_connectors.registry import register_connector
from automate_connectors.types import ConnectorCapabilities, ConnectorResult


class Shop(ConnectorAdapter):
    """B: everything that the real base class demands."""

    code = "shop"
    name = "The shop"

    @property
    def capabilities(self) -> ConnectorCapabilities:
        return ConnectorCapabilities(supports_polling=True)

    @property
    def action_specs(self) -> dict[str, ActionSpec]:
        return {
            "order": ActionSpec(
                name="order",
                description="Orders a book",
                input_schema={"type": "object", "properties": {"book": {"type": "integer"}}, "required": ["book"]},
                side_effects=True,
            )
        }

    def validate_config(self, config: dict[str, Any]) -> ValidationResult:
        return ValidationResult(ok="url" in config, errors=[] if "url" in config else ["url is missing"])

    def execute(self, action: str, input_args: dict[str, Any], ctx: dict[str, Any]) -> ConnectorResult:
        if action != "order":
            raise ConnectorError(ConnectorErrorCode.INVALID_INPUT, f"Unknown action: {action}")
        key = ctx["profile"]["encrypted_secrets"]["key"]
        return ConnectorResult(data={"book": input_args["book"], "by": key}, meta={"page": 1})

    def normalize_error(self, exc: Exception) -> ConnectorError:
        return ConnectorError(ConnectorErrorCode.INTERNAL_ERROR, type(exc).__name__)


@register_connector
class Ledger(ConnectorAdapter):
    """C: declares its actions in a dict of the class, and finds secrets in the context."""

    code = "ledger"
    name = "The ledger"
    description = "Books entries."

    actions = {
        "book": ActionSpec(
            inputs={
                "account": {"type": "string", "required": True},
                "amount": {"type": "number", "required": True},
                "note": {"type": "string"},
            },
            outputs={"entry": {"type": "string"}},
        )
    }

    def execute(self, action: str, params: dict, context: dict):
        if action == "book":
            if params["amount"] < 0:
                raise ErrorOfModels("the ledger is closed", retryable=True)
            return {"entry": params["account"], "by": context["secrets"].get("API_KEY"), "trace": context["trace_id"]}
        if action == "forget":
            return None
        raise NotImplementedError(f"Action {action} unknown")

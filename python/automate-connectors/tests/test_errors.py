"""Errors: the ten codes, both forms of construction, subclasses."""

from __future__ import annotations

import copy
import pickle
import socket
import unittest
from typing import Any

from automate_connectors.adapters.base import ConnectorAdapter
from automate_connectors.errors import ConnectorError, ConnectorErrorCode

CODES = [
    "AUTH_FAILED",
    "FORBIDDEN",
    "NOT_FOUND",
    "RATE_LIMITED",
    "TIMEOUT",
    "UPSTREAM_5XX",
    "INVALID_INPUT",
    "CONFIG_INVALID",
    "TRANSIENT_NETWORK",
    "INTERNAL_ERROR",
]


class NotOrdered(ConnectorError):
    """Says code and retryable on the class."""

    code = ConnectorErrorCode.NOT_FOUND
    retryable = True


class Stubborn(ConnectorError):
    """Does not call our constructor."""

    def __init__(self, book: int) -> None:
        self.book = book


class Errors(unittest.TestCase):
    def test_case_19_the_ten_codes_are_there_by_name_and_value(self) -> None:
        self.assertEqual([code.value for code in ConnectorErrorCode], CODES)
        for code in CODES:
            self.assertEqual(ConnectorError(getattr(ConnectorErrorCode, code), "m").to_dict()["code"], code)
            self.assertEqual(ConnectorError(code, "m").code, code)

    def test_case_19_all_fields_are_kept(self) -> None:
        details = {"retry_after_ms": 1500}
        error = ConnectorError(ConnectorErrorCode.RATE_LIMITED, "slow down", True, details, "shop")
        self.assertEqual(
            error.to_dict(),
            {"code": "RATE_LIMITED", "message": "slow down", "retryable": True, "details": details, "connector": "shop"},
        )
        self.assertEqual((error.code, error.message_safe, error.retryable), ("RATE_LIMITED", "slow down", True))
        self.assertEqual(str(error), "RATE_LIMITED: slow down")

    def test_case_20_a_message_alone_is_taken_too(self) -> None:
        error = ConnectorError("the ERP is down", retryable=True)
        self.assertEqual((error.code, error.message_safe, error.retryable), ("INTERNAL_ERROR", "the ERP is down", True))
        self.assertEqual(error.to_dict()["details"], {})
        self.assertEqual(ConnectorError("E42", "odd").message_safe, "E42: odd")
        self.assertEqual(ConnectorError().to_dict()["message"], "ConnectorError")

    def test_case_20_subclasses_inherit_the_constructor_and_may_say_what_they_are(self) -> None:
        error = NotOrdered("no such order")
        self.assertEqual((error.code, error.message_safe, error.retryable), ("NOT_FOUND", "no such order", True))
        error = NotOrdered(ConnectorErrorCode.FORBIDDEN, "not yours", retryable=False)
        self.assertEqual((error.code, error.retryable), ("FORBIDDEN", False))
        stubborn = Stubborn(7)
        self.assertEqual(stubborn.to_dict()["message"], "7")
        self.assertEqual(stubborn.to_dict()["code"], "INTERNAL_ERROR")

    def test_errors_can_be_raised_hashed_copied_and_pickled(self) -> None:
        for error in (
            NotOrdered("text", details_safe={"a": 1}),
            ConnectorError(code=ConnectorErrorCode.TIMEOUT, message_safe="late"),
        ):
            for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
                self.assertEqual(again.to_dict(), error.to_dict())
            hash(error)
            with self.assertRaises(ConnectorError):
                raise error

    def test_case_20_other_exceptions_get_a_code_and_only_what_did_nothing_may_be_repeated(self) -> None:
        def code(error: Exception) -> Any:
            normal = ConnectorAdapter().normalize_error(error)
            return normal.code.value, normal.retryable

        self.assertEqual(code(NotOrdered("x")), ("NOT_FOUND", True))
        self.assertEqual(code(ValueError("x")), ("INVALID_INPUT", False))
        self.assertEqual(code(NotImplementedError()), ("INVALID_INPUT", False))
        self.assertEqual(code(socket.timeout()), ("TIMEOUT", False))
        self.assertEqual(code(ConnectionRefusedError()), ("TRANSIENT_NETWORK", True))
        self.assertEqual(code(ConnectionResetError()), ("TRANSIENT_NETWORK", False))
        self.assertEqual(code(KeyError("x")), ("INTERNAL_ERROR", False))


class Redaction(unittest.TestCase):
    def test_secrets_are_masked_at_any_depth_and_other_words_are_not(self) -> None:
        masked = "***REDACTED***"
        data = {"apiKey": "1", "list": [{"Authorization": "2"}], "author": "me", "Monkey": "yes", "max_tokens": 3, 4: "four"}
        expected = {**data, "apiKey": masked, "list": [{"Authorization": masked}]}
        self.assertEqual(ConnectorAdapter().redact(data), expected)
        self.assertEqual(data["apiKey"], "1")
        joined = {"accesstoken": 1, "API_KEY": 2}
        self.assertEqual(ConnectorAdapter().redact(joined), dict.fromkeys(joined, masked))
        for other in (None, [1], "text", 7):
            self.assertEqual(ConnectorAdapter().redact(other), other)


if __name__ == "__main__":
    unittest.main()

"""An adapter as the guide has it, which does whatever a test wants."""

import datetime
import logging
import os
import signal
import sys
import threading
import time

from automate_connectors import context
from automate_connectors.adapters.base import ConnectorAdapter
from automate_connectors.errors import ConnectorError, ConnectorErrorCode
from automate_connectors.types import ConnectorResult

CONTROL = os.environ.get("CONTROL", "")


class Refused(ConnectorError):
    """An error of the adapter's own."""

    code = "PAYMENT_REFUSED"


class OddAdapter(ConnectorAdapter):
    """Does what it is told."""

    name = "odd"
    version = "2.1"

    made = 0
    everywhere = []

    def __init__(self):
        OddAdapter.made += 1
        self.number = OddAdapter.made
        self.connects = 0

    def connect(self):
        self.connects += 1
        OddAdapter.everywhere.append(("connect", self.number))
        how = told("connect")
        note("connected", f"{os.getpid()}\n")
        if how:
            exec(how, globals(), {"self": self})
        return not told("down")

    def execute(self, action, payload):
        OddAdapter.everywhere.append(("execute", self.number))
        if action == "run":
            scope = {**globals(), "self": self, "payload": payload}
            exec(payload["code"], scope)
            return scope.get("result")
        if action == "echo":
            return payload
        if action == "seen":
            call = context.current()
            secrets = dict(self.profile.encrypted_secrets) if self.profile else {}
            return {
                "payload": payload,
                "number": self.number,
                "connects": self.connects,
                "secrets": secrets,
                "in_context": dict(call.secrets),
                "config": dict(call.config),
                "trace_id": call.trace_id,
                "pid": os.getpid(),
            }
        if action == "parse":
            return {"number": int(payload["text"])}
        raise ValueError(f"Unknown action: {action}")


def told(name):
    """What a test wrote into a file, if it did."""
    try:
        with open(os.path.join(CONTROL, name)) as file:
            return file.read()
    except OSError:
        return ""


def note(name, text):
    """Leaves word for a test."""
    if CONTROL:
        with open(os.path.join(CONTROL, name), "a") as file:
            file.write(text)

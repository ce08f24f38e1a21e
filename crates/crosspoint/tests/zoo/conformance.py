"""The tools that the conformance suite of the Model Context Protocol calls: as the connector `test`, its
commands are called `test_simple_text` and so on."""

import time


def result(body, mimetype="text/plain"):
    return {
        "command_response": {"body": body, "mimetype": mimetype, "http_status": 200},
        "command_response_version": 2,
        "error": None,
        "spiff__logs": ["a line for whoever called"],
    }


class simple_text:
    """Returns a text."""

    def execute(self, config, task_data):
        return result("This is a simple text response for testing.")


class error_handling:
    """Fails."""

    def execute(self, config, task_data):
        raise ValueError("This tool intentionally returns an error for testing")


class tool_with_progress:
    """Takes a while."""

    def execute(self, config, task_data):
        time.sleep(4.5)
        return result("done")


class logging_tool:
    """Writes lines for whoever called, which are no notifications."""

    def execute(self, config, task_data):
        return result("logged")


class streaming_elicitation:
    """Asks nobody anything."""

    def execute(self, config, task_data):
        return result("nothing was asked")

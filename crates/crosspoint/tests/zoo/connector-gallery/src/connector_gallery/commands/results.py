"""What is returned and raised."""


class First:
    """A result of version 1, whatever is in it."""

    def __init__(self, **kwargs):
        self.result = kwargs

    def execute(self, config, task_data):
        return self.result


class Bytes:
    """Bytes that are no text."""

    def execute(self, config, task_data):
        return {"response": b"\x00\xff\xfe\n", "status": "200", "mimetype": "application/x-thing"}


class Second:
    """A result of version 2, exactly as it was sent."""

    def __init__(self, result):
        self.result = result

    def execute(self, config, task_data):
        return self.result


class Curious:
    """A result of version 2 that holds more than the protocol knows."""

    def execute(self, config, task_data):
        return {
            "command_response_version": 2,
            "zebra": [1.0, 1e100, 12345678901234567890123, "\u00e9\u2028", None, True],
            "command_response": {"body": {"b": 1, "a": 2}, "mimetype": "application/json", "http_status": 207},
            "error": None,
            "spiff__logs": ["one", {"two": 2}],
        }


class OutOfPaper(Exception):
    pass


class Raise:
    """Raises, in its constructor if it is told so."""

    def __init__(self, text: str, early: bool = False):
        self.text = text
        if early:
            raise OutOfPaper(text)

    def execute(self, config, task_data):
        raise OutOfPaper(self.text)

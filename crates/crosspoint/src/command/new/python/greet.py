"""A command to begin with. Each class with an `execute` in this folder is one."""

from typing import Optional


class Greet:
    """Greets somebody.

    :param name: who is greeted
    :param shout: whether to do it loudly
    :param language: en, de or fr; without it the setting GREETING_LANGUAGE counts, and then en
    """

    def __init__(self, name: str, shout: bool = False, language: Optional[str] = None):
        self.name = name
        self.shout = shout
        self.language = language

    def execute(self, config, task_data):
        """Runs for each call. What it raises becomes the error's code and message."""
        greetings = {"en": "Hello", "de": "Hallo", "fr": "Bonjour"}
        language = self.language or config.get("GREETING_LANGUAGE") or "en"
        if language not in greetings:
            raise ValueError(f"no greeting in '{language}': use one of {', '.join(greetings)}")
        text = f"{greetings[language]}, {self.name}!"
        body = {"greeting": text.upper() if self.shout else text}
        return {
            "command_response": {"body": body, "mimetype": "application/json", "http_status": 200},
            "command_response_version": 2,
            "error": None,
            "spiff__logs": [],
        }

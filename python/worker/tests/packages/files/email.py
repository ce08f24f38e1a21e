"""A connector in one file, named like a module of the library."""

import dataclasses
from email.message import EmailMessage


@dataclasses.dataclass
class Compose:
    subject: str

    def execute(self, config, task_data):
        message = EmailMessage()
        message["Subject"] = self.subject
        return {"response": message.as_string(), "mimetype": "message/rfc822"}

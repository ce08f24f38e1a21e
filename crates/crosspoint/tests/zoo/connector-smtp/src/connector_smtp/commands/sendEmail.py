"""Sends a mail, in the shape that SpiffArena's tutorial teaches."""

import json
import smtplib
from email.message import EmailMessage


class SendEmail:
    def __init__(
        self,
        smtp_host: str,
        smtp_port: int,
        email_subject: str,
        email_body: str,
        email_to: str,
        email_from: str,
        smtp_user: str = None,
        smtp_password: str = None,
    ):
        self.host, self.port = smtp_host, smtp_port
        self.user, self.password = smtp_user, smtp_password
        self.message = EmailMessage()
        self.message["Subject"] = email_subject
        self.message["From"] = email_from
        self.message["To"] = email_to
        self.message.set_content(email_body)

    def execute(self, config, task_data):
        try:
            with smtplib.SMTP(self.host, self.port) as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(self.message)
        except Exception as error:
            return {"response": json.dumps({"error": str(error)}), "status": 200, "mimetype": "application/json"}
        return {"response": json.dumps({}), "status": 200, "mimetype": "application/json"}

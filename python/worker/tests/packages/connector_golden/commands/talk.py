import asyncio
import logging

log = logging.getLogger("golden.talk")


class Echo:
    """Answers what it was sent.

    :param text: what to answer
    :param times: how often
    """

    def __init__(self, text: str, times: int = 1):
        self.text = text
        self.times = times

    def execute(self, config, task_data):
        return {"response": self.text * self.times, "status": 201, "mimetype": "text/plain"}


class Bytes:
    def __init__(self, data: list):
        self.data = data

    def execute(self, config, task_data):
        return {"response": bytes(self.data), "mimetype": "application/pdf"}


class Structure:
    def execute(self, config, task_data):
        return {"response": {"task": task_data, "region": config["REGION"]}, "status": "404", "mimetype": "application/json"}


class Envelope:
    def __init__(self, **fields):
        self.fields = fields

    def execute(self, config, task_data):
        response = {"body": self.fields, "mimetype": "application/json"}
        return {"command_response": response, "command_response_version": 2, "error": None, "spiff__logs": []}


class Long:
    def execute(self, config, task_data):
        return {"response": "short", "mimetype": "text/plain"}

    def execute_async(self, config, task_data, callback_url):
        response = {"body": {"callback": callback_url}, "mimetype": "application/json"}
        return {"command_response": response, "command_response_version": 2, "error": None, "spiff__logs": []}


class Raise:
    def execute(self, config, task_data):
        raise LookupError("nobody is there")


class When:
    def execute(self, config, task_data):
        return {"command_response": {"body": {"price": float("nan")}}, "command_response_version": 2}


class Speak:
    def execute(self, config, task_data):
        print("printed", 1)
        log.error("logged %s", "too")
        return {"response": "", "mimetype": "text/plain"}


class Wait:
    async def execute(self, config, task_data):
        print("waiting")
        await asyncio.sleep(3600)

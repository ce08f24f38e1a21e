from flask import current_app, request

REGION = current_app.config["REGION"]


class Web:
    def __init__(self, text: str):
        self.text = text

    def execute(self, config, task_data):
        body = {
            "region": REGION,
            "now": current_app.config["REGION"],
            "same": current_app.config is config,
            "agent": request.headers.get("User-Agent"),
            "path": request.path,
            "json": request.get_json(),
            "debug": config["DEBUG"],
        }
        return {"response": body, "mimetype": "application/json"}


class WebAsync:
    async def execute(self, config, task_data):
        return {"response": request.headers["User-Agent"], "mimetype": "text/plain"}

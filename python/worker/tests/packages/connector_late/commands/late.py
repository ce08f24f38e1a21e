class Late:
    """Imports Flask when it is called."""

    def execute(self, config, task_data):
        from flask import current_app, request

        body = {"region": current_app.config["REGION"], "agent": request.headers["User-Agent"]}
        return {"response": body, "mimetype": "application/json"}

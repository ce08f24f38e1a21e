"""Uses the web application around it, as some packages do."""

from flask import current_app, request

AT_IMPORT = current_app.config.get("FLASKY_GREETING")


class Around:
    """Tells what it sees of the application and the request."""

    def execute(self, config, task_data):
        body = {
            "at_import": AT_IMPORT,
            "in_call": current_app.config["FLASKY_GREETING"],
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "method": request.method,
            "path": request.path,
        }
        return {"response": body, "status": 200, "mimetype": "application/json"}

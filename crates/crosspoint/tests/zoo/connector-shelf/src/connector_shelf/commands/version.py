import shelf


class Version:
    """Tells which version of the library it runs with."""

    def execute(self, config, task_data):
        return {"response": shelf.VERSION, "status": 200, "mimetype": "text/plain"}

class Works:
    """Is served all the same."""

    def execute(self, config, task_data):
        return {"response": "works", "status": 200, "mimetype": "text/plain"}

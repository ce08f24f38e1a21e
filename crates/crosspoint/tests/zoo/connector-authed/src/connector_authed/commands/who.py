class Who:
    """Says who is there."""

    def execute(self, config, task_data):
        return {"response": "nobody", "mimetype": "text/plain", "status": 200}

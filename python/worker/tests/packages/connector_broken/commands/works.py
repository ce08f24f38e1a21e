class Works:
    def execute(self, config, task_data):
        return {"response": "it does", "mimetype": "text/plain"}


class Wrong:
    __signature__ = "not a signature"

    def execute(self, config, task_data):
        return {}

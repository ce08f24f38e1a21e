class Thing:
    def execute(self, config, task_data):
        return {"response": "never found", "status": 200, "mimetype": "text/plain"}

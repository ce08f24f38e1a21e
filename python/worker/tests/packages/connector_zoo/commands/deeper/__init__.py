class Shallow:
    def execute(self, config, task_data):
        return {"response": "shallow", "mimetype": "text/plain"}

class Bark:
    def __init__(self, url: str = ""):
        self.url = url

    def execute(self, config, task_data):
        return {"response": f"dog {self.url}".strip(), "status": 200, "mimetype": "text/plain"}

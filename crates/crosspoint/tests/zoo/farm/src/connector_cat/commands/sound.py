class Meow:
    def __init__(self, url: str = ""):
        self.url = url

    def execute(self, config, task_data):
        return {"response": f"cat {self.url}".strip(), "status": 200, "mimetype": "text/plain"}

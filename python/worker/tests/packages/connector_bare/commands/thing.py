class Thing:
    def execute(self, config, task_data):
        return {}

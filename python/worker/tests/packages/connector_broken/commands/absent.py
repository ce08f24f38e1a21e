import a_library_that_is_not_installed  # noqa: F401


class Lost:
    def execute(self, config, task_data):
        return {}

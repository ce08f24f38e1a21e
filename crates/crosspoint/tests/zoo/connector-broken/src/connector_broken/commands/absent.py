import a_library_that_is_nowhere


class Absent:
    def execute(self, config, task_data):
        return a_library_that_is_nowhere.answer()

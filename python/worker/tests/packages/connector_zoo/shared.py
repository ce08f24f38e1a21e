class Base:
    """Not defined in a module of commands, so not listed by itself."""

    def __init__(self, url: str, attempts: "int | None" = None, **kwargs):
        """
        :param url: where to go
        """
        self.url = url
        self.more = kwargs

    def execute(self, config, task_data):
        return {"response": {"url": self.url, "more": self.more}, "mimetype": "application/json"}

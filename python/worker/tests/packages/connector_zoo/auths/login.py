class Login:
    """Logs in."""

    def app_description(self, config):
        return {}

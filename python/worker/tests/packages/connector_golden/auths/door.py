class Door:
    """Opens the door."""

    def app_description(self, config):
        return {"name": "door"}

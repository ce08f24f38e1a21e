class Door:
    """Opens the door."""

    def app_description(self, config):
        return {
            "name": "door",
            "region": config["REGION"],
            "key": config.get("DOOR_KEY"),
            # No JSON: it is left out.
            "tokengetter": self.app_description,
        }

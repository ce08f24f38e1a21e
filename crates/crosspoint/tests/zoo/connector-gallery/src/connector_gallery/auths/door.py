"""Ways to get in."""


class Door:
    """Opens with a key.

    :param key: which one
    """

    def __init__(self, key: str, knocks: int = 2):
        self.key, self.knocks = key, knocks

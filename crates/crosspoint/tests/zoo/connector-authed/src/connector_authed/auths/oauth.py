class OAuth:
    """Authorises somebody by OAuth 2, as SpiffArena's connectors describe it."""

    def app_description(self, config):
        provider = config["AUTHED_PROVIDER"]
        return {
            "name": "authed",
            "version": "2",
            "client_id": config["AUTHED_CLIENT_ID"],
            "client_secret": config["AUTHED_CLIENT_SECRET"],
            "endpoint_url": provider,
            "authorization_url": provider + "/oauth2/authorize",
            "access_token_url": provider + "/oauth2/token",
            "refresh_token_url": provider + "/oauth2/token",
            "scope": "openid email",
        }


class Elder:
    """Would authorise by OAuth 1."""

    def app_description(self, config):
        return {"version": "1", "request_token_url": "https://elder.example/request"}


class Broken:
    """Cannot say how."""

    def app_description(self, config):
        return {"client_id": config["NOWHERE_TO_BE_FOUND"]}

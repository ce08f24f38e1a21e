"""The application that a Django project adds to `INSTALLED_APPS`."""

from django.apps import AppConfig


class CrosspointAutomateConfig(AppConfig):
    """Registers the adapter where Django Automate looks for adapters."""

    name = "crosspoint_automate"
    label = "crosspoint_automate"
    verbose_name = "Crosspoint"

    def ready(self) -> None:
        """In both registries: that of the runtime, and that of the connectors."""
        from automate.registry import registry
        from automate_connectors.registry import register_connector

        from .adapter import CrosspointAdapter

        register_connector(CrosspointAdapter)
        registry.register_connector(CrosspointAdapter.code, CrosspointAdapter)

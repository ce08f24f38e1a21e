from automate_connectors.registry import connector_registry

connector_registry.register("my_service", MyServiceAdapter)

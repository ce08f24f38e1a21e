"""The base class of adapters, and two adapters."""

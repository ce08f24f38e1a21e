"""Every connector of a Crosspoint as an adapter of Django Automate. Standard library only.

Needs a package `automate_connectors`: the real one, or `crosspoint-automate-connectors`.
"""

from .adapter import CrosspointAdapter

__all__ = ["CrosspointAdapter"]

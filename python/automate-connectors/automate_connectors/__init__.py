"""The connector API of Django Automate as its guide describes it, without Django.

For authors of adapters, and for Crosspoint, which runs adapters on it. Standard library only.
"""

from . import _alone

__version__ = _alone.VERSION

_alone.refuse_company(__file__)

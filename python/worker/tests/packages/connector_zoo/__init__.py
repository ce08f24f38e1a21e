"""Every kind of class that a connector may have."""

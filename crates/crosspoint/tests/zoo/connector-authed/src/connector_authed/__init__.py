"""A system whose auth only its own code knows."""

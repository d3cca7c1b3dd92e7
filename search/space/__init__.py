"""Search spaces: what may be tried, read from YAML."""

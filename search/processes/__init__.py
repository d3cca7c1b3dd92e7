"""Processes: the fork server, signals and temporary files."""

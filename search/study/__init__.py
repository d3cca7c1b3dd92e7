"""Studies: run, resumed, joined, synced and deleted."""

"""Faults: what is done to a study from outside, but for kills, and what comes of it."""

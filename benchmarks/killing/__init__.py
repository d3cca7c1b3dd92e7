"""Killing: what `chaos.py` is made of."""

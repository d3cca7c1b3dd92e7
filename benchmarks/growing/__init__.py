"""Growing: what `scale.py` is made of."""

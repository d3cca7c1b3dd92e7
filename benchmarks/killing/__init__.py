"""Parts of `chaos.py`."""

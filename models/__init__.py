"""Data sets, architectures, the training loop, scores and figures."""

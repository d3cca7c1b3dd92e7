"""The published experiments again: what they are, how they are run, and what came of them."""

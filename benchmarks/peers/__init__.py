"""What people use instead of fmsearch, each peer in a file of its own, as its documentation tells.

Each has a function `search(problem)` that gives the scores of its trials; `run.py` calls it in a
process of its own. `problem.py` says what is searched, `networks.py` has the networks.
"""

"""The published experiments again: the catalogue, the runs, the results and the report."""

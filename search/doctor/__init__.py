"""The doctor: compares storage, outbox and MLflow, and repairs what can be repaired.

Offers:
    examine (doctor): the differences of some studies, before and after the repair.
"""

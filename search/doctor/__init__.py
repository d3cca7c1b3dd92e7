"""The doctor: compares storage, outbox and MLflow, and repairs what can be repaired.

Offers:
    examine, Finding (doctor): the differences of some studies, before and after the repair.
    unknown_studies (unknown): what there is of studies that the storage does not have.
"""

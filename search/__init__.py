"""What to try next: spaces, engines, the ledger, the study loop and its trainers."""

"""What to try next: spaces, engines, the storage, the study loop and its trainers."""

"""The search: spaces, engines, trainers, the storage, and studies."""

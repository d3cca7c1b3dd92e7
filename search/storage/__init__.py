"""The storage: studies and trials in Optuna's database, and who owns a running trial."""

"""Readers of data: one module a format, and the conversions and checks that all share."""

"""Contracts as tests: what every implementation of a seam has to keep."""

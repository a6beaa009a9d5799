"""Condition packs: what belongs to a condition, as data."""

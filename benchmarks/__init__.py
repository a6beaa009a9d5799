"""How fast, as ratios to what this very machine can do: `make bench`. Timing never fails a test."""

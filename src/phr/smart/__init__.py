"""Signing in with SMART App Launch 2.2, and staying signed in."""

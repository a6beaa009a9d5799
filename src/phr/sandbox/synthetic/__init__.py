"""The synthetic family that the sandbox serves: people who never lived, with a record worth looking at."""

from phr.sandbox.synthetic.record import family

__all__ = ["family"]

"""Pull: decide what to ask, ask it side by side, keep each page as it arrives, say what did not come."""

"""Numbers drawn: one style for the terminal and for SVG."""

"""What stands out in a life, shape by shape: rows of the table `record` in, milestones out."""

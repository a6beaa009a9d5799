"""Files that leave the house, each format behind one method."""

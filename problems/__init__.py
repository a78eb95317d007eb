"""The eight problems, a file for each corpus."""

"""What is on the disk: records, a split that is opened, and what is wrong with files."""

"""Pictures and sounds of any size and format to what nets read."""

"""The file formats that corpora come in, a file for each."""

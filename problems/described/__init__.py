"""Problems over a person's own tables, described in a `problems.toml` rather than written as a class."""

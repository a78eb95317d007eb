"""Export: trained problems as a SavedModel that reads and writes what people do, without t2tlite."""

"""Export: trained problems as a SavedModel that needs no t2tlite, or as a Keras model."""

"""Modality nets: language, image, audio, categorical, vector and counts."""

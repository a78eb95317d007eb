"""Modality nets: language, image, audio, categorical."""

"""Encoders, mixers, decoders, and the MultiModel that assembles them."""

"""Serving a trained model: a JSON API over HTTP, and a page."""

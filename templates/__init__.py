"""Jinja2 templates that lay out generated source; they decide nothing."""

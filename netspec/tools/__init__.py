"""Tools for specs: their layout, their JSON Schema, and what was generated from them."""

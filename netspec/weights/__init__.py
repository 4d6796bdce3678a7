"""Weights outside a model: files of tensors, names, and initial values."""

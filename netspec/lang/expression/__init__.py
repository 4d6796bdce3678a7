"""Expressions, the numbers that they give, and how formulas are written."""

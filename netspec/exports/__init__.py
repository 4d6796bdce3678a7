"""Models in formats that others run: written, loaded again by their runtime, and compared.

What a format is stands in one small module each. How a framework writes it, and which formats a backend
offers, stands with the backend, as its ``exports``.
"""

"""Holds every model of a network against the others: live and generated, of each framework.

:func:`netspec.verification.run.verify` does it; what it found is in :mod:`netspec.verification.results`.
"""

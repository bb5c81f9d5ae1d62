"""Measurements of the hub beside the barest program that does the same on the same machine, in one run: ``python -m benchmarks``."""

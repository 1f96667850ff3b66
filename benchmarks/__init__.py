"""Benchmarks: this package against the systems people would use otherwise, side by side in one run."""

"""Execution environments: where functions run."""

"""Benchmarks: `make bench`, or `python -m bench [edge dynamodb lambda startup memory] [--quick]`."""

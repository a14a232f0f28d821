"""Malformed and hostile requests by the hundred thousand, against a cloud of one's own.

`python -m bench.hostile --count 1000000` starts a cloud, attacks it and says what it found: answers of 5xx,
requests that hang, connections whose state is wrong afterwards, memory that grows.
"""

"""kill -9 under mixed load, again and again: nothing acknowledged is lost, no event is, nothing is half done.

`python -m bench.kills --rounds 200`; tests/faults/test_kill.py plays some rounds of it in every run.
"""

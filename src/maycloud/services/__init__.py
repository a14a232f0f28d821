"""One folder per AWS service; see base.py for what a service is made of."""

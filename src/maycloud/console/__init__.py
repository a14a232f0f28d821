"""The web console, below ``/_may/console``: pages for people who run this cloud."""

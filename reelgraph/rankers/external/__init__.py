"""Rankers that the pipeline does not fit: the peers of ``make ranking-peers``."""

"""Rankers: models that order the movies that a user may watch next."""

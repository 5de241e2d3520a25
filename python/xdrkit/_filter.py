"""Filters made of parts."""

from __future__ import annotations


class Filter:
    """A condition on items of a list."""

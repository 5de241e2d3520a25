"""Answers with many rows: lists that are read page by page, and what a hunting query found."""

from __future__ import annotations

from ._hunted import HuntResult
from ._listing import AsyncPages, Pages

__all__ = ["AsyncPages", "HuntResult", "Pages"]

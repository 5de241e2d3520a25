"""What an export via files tells: while it runs, and when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

__all__ = ["ExportProgress", "ExportResult"]


class ExportProgress(NamedTuple):
    """How far an export is. Parts that were whole before this run count as done.

    Attributes:
        parts: Parts of the snapshot.
        done: Those that are whole.
        rows: Rows in what is whole.
        bytes: Bytes of what is whole, as it lies on the disk.
        elapsed: Seconds since the export began.
    """

    parts: int
    done: int
    rows: int
    bytes: int
    elapsed: float


class ExportResult(NamedTuple):
    """An export that lies on the disk, whole.

    Attributes:
        rows: Rows in all files.
        parts: How many files there are, one for each part of the service's.
        bytes: Bytes of all files.
        generated_time: When the service made the snapshot, as it says it.
        files: The files, in the order of the service's parts.
        elapsed: Seconds that this run took.
        resumed: How many parts were whole before this run and were not fetched again.
        renewed: How often links had ended and were asked for anew.
        superseded: The folder with the parts of a snapshot that was over before all of it was here, if there was one. They do not go
            together with `files` and may be removed.
    """

    rows: int
    parts: int
    bytes: int
    generated_time: str
    files: list[Path]
    elapsed: float
    resumed: int
    renewed: int
    superseded: Path | None

    def __repr__(self) -> str:
        return (
            f"<ExportResult: {self.rows:,} rows in {self.parts} files, {self.bytes:,} bytes, of {self.generated_time}>"
        )


def progress_of(facts: dict[str, Any]) -> ExportProgress:
    """From what the native module says."""
    return ExportProgress(*(facts[name] for name in ExportProgress._fields))


def result_of(facts: dict[str, Any]) -> ExportResult:
    """From what the native module said last."""
    return ExportResult(*(facts[name] for name in ExportResult._fields))

"""Exceptions that a user can act on: they name the place, what was expected, what was got, and a remedy."""

from __future__ import annotations

import errno

DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)

MAX_WHERE_CHARS = 500
"""A message shortens a longer place, which may be a title or a path of any length."""


class ReelgraphError(Exception):
    """Base class of all errors that a user can act on.

    A stage or command prints the message alone and exits with code 1. Any other exception that leaves a
    stage is a bug in reelgraph and keeps its traceback.
    """

    def __init__(self, where: str, expected: str, got: str, remedy: str) -> None:
        """Compose the message.

        Args:
            where: file, column and row, or the key in params.yaml.
            expected: what would have been accepted.
            got: what was there instead.
            remedy: what the user can do about it.
        """
        self.where = where if len(where) <= MAX_WHERE_CHARS else f"{where[:MAX_WHERE_CHARS]}…"
        self.expected = expected
        self.got = got
        self.remedy = remedy
        super().__init__(f"{self.where}: expected {expected}, got {got}. {remedy}")


class ParamError(ReelgraphError):
    """A key of params.yaml is unknown, missing, of the wrong type or out of range."""


class InputError(ReelgraphError):
    """An input file of the user cannot be used as it is."""


class ArtifactError(ReelgraphError):
    """A file that one stage writes and another reads is missing or invalid."""


class PackageError(ReelgraphError):
    """A package, a model's weights or a runtime is missing or not the expected one."""


class SystemResourceError(ReelgraphError):
    """The operating system refused a file operation: the disk is full, or access is denied."""


def wrap_os_error(error: OSError, default_path: str) -> SystemResourceError:
    """Return an error that names the file and a remedy; in most cases the disk is full.

    Args:
        error: what the operating system reported.
        default_path: what to name if the error has no path.
    """
    path = str(error.filename2 or error.filename or default_path)
    reason = error.strerror or str(error)
    if error.errno in DISK_FULL_ERRNOS:
        remedy = "Free some space, or raise the limit on file sizes."
        return SystemResourceError(path, "free space on the disk", reason, remedy)
    remedy = "Change its permissions, or use another path."
    return SystemResourceError(path, "access to the file or folder", reason, remedy)


class TrainingError(ReelgraphError):
    """Training cannot continue: there are no targets, or the loss is not finite."""

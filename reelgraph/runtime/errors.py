"""The one exception family: what was expected, what was got, where, and the remedy."""

from __future__ import annotations


class ReelgraphError(Exception):
    """Base of every refusal that a user can act on.

    A door prints the message alone and exits with code 1; anything else that
    escapes a stage is a defect of reelgraph and keeps its traceback.
    """

    def __init__(self, where: str, expected: str, got: str, remedy: str) -> None:
        """Compose the message.

        Args:
            where: file, column and row, or the params key path.
            expected: what would have been accepted.
            got: what was there instead.
            remedy: what the user can do about it.
        """
        self.where, self.expected, self.got, self.remedy = where, expected, got, remedy
        super().__init__(f"{where}: expected {expected}, got {got}. {remedy}")


class ParamError(ReelgraphError):
    """A key of params.yaml is unknown, missing, of a wrong type or out of range."""


class InputError(ReelgraphError):
    """A file from outside cannot be used as it is."""


class ArtifactError(ReelgraphError):
    """A file between two stages breaks its contract."""


class PackageError(ReelgraphError):
    """A package, a model's weights or a runtime is missing or not the expected one."""


class SystemResourceError(ReelgraphError):
    """The system refused a file: a full disk, or no right to it."""


class TrainingError(ReelgraphError):
    """Training cannot go on: no targets, or a loss that is not finite."""

"""A file for libsndfile, which forgets what a write raises and stumbles over its consequences."""

from typing import BinaryIO, cast


class Told:
    """Remembers what a write raised, and raises it at the end of the `with`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._trouble = file, cast(OSError | None, None)
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def write(self, data: bytes) -> int:
        """Fewer bytes than given is what libsndfile understands as an error."""
        try:
            return self._file.write(data)
        except OSError as error:
            self._trouble = error
            return 0

    def __enter__(self) -> "Told":
        return self

    def __exit__(self, *_: object) -> None:
        if self._trouble:
            raise self._trouble

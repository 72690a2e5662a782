"""Where the rows and logs of one firing go: the repository's database, or one in memory without it.

A read-only home, a full disk or a newer schema must not keep a gate from deciding: then rows live
in memory and logs in a temporary folder, which stays if the command failed over it.
"""

from __future__ import annotations

import shutil
import tempfile

from bough.coordinator.errors import StoreError
from bough.coordinator.places import PlaceError, StatePlaces
from bough.coordinator.store import schemas
from bough.hooks.happenings import Noted, Observer


class Ledger:
    """Where the rows of one firing go: the repository's database, or one in memory without it."""

    def __init__(self, repository: StatePlaces, observe: Observer) -> None:
        self._temporary = ""
        self.places = repository
        try:
            self.connection = schemas.write_repository(repository)
        except (StoreError, PlaceError) as error:
            observe(Noted(text=f"nothing is recorded this time: {error.message}", hint=error.hint))
            self._temporary = tempfile.mkdtemp(prefix="bough-")
            self.places = StatePlaces(root=self._temporary)
            self.connection = schemas.write_scratch()

    @property
    def scratch(self) -> bool:
        """Whether this is the one in memory."""
        return bool(self._temporary)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: object, *_exc: object) -> None:
        self.connection.close()
        if self._temporary and kind is None:
            shutil.rmtree(self._temporary, ignore_errors=True)

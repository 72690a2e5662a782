"""A command's tie to the coordinator while its invocation has background rows.

The open connection tells the coordinator that the command lives; when it breaks, rows that wait for
a foreground need are reconciled at once. Waking is what matters: a coordinator that cannot be tied
to (it is still starting) is woken all the same, by its own first look at the queue.
"""

from __future__ import annotations

from bough.coordinator import spawn
from bough.coordinator.errors import CoordinatorError
from bough.coordinator.ipc import client
from bough.coordinator.places import StatePlaces


class Attachment:
    """Wakes the coordinator for one invocation, tied to it as soon as it can be reached."""

    def __init__(self, places: StatePlaces, invocation: str) -> None:
        self._places = places
        self._invocation = invocation
        self._client: client.Client | None = None

    @property
    def attached(self) -> bool:
        """Whether the coordinator would notice this command's death at once."""
        return self._client is not None

    def wake(self) -> None:
        """Have the queue looked at, by a new coordinator if need be; raises CoordinatorError."""
        if self._client is not None:
            try:
                self._client.ask("Wake")
                return
            except CoordinatorError as error:
                self.close()
                if error.hint:
                    raise
        spawn.wake(self._places)
        self.attach()

    def attach(self) -> None:
        """Tie the command to a coordinator that listens; without one, nothing changes."""
        if self._client is not None:
            return
        connection = client.connect(self._places)
        if connection is None:
            return
        try:
            connection.ask("Attach", invocation=self._invocation)
        except CoordinatorError:
            connection.close()
            return
        self._client = connection

    def close(self) -> None:
        """Let go; the coordinator looks at the queue once more."""
        if self._client is not None:
            self._client.close()
            self._client = None

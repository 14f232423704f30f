"""Keeps a connection open after an answer that has no body: a 304, above all.

waitress ends a connection after whatever does not say its length; such an answer needs to say none
(RFC 9112, 6.3). Opening the next one costs as much as the answer itself, for nginx as for anybody
who polls. Where very many are connected at once, ending is right: waitress looks at each open
connection at every turn.
"""

from waitress.task import WSGITask

MOST = 64


class KeepingTask(WSGITask):
    """Answers one request."""

    def set_close_on_finish(self) -> None:
        """End the connection after this answer, unless it may be kept."""
        if not self._may_keep():
            super().set_close_on_finish()

    def _may_keep(self) -> bool:
        return (
            not self.has_body
            and self.version == "1.1"
            and getattr(self.request, "headers", {}).get("CONNECTION", "").lower() != "close"
            and len(self.channel.server.active_channels) <= MOST  # type: ignore[arg-type]
        )

"""Which of waitress' threads work: one, while the others stand by.

Python runs one thread at a time, and a thread that asks SQLite anything hands that right over at
every call: four threads that all do so answer half as many requests as one. So one thread answers
request after request. Another steps in when that one has not come to the next request within
`PATIENCE`: because it checks a password, or waits for somebody else's write or for a disk.
"""

import threading
import time

from waitress.task import Task, ThreadedTaskDispatcher

PATIENCE = 0.02
"""Seconds."""


class StandBy(ThreadedTaskDispatcher):
    """Hands requests to threads.

    What it remembers is read and changed under `lock` alone.
    """

    def __init__(self) -> None:
        super().__init__()
        # The last to wait is the first to be woken: the processor's caches still know it.
        self._waiting: list[threading.Condition] = []
        # The thread that took the last request, until it comes back; whoever took an earlier one
        # and has not come back is held up, and counts no more.
        self._worker: int | None = None
        self._taken_at = 0.0
        # Whether a thread looks, once `PATIENCE` is over, if it is needed.
        self._watched = False

    def set_thread_count(self, count: int) -> None:
        """Have so many threads; 0 ends all."""
        super().set_thread_count(count)
        with self.lock:
            for one in self._waiting:
                one.notify()

    def add_task(self, task: Task) -> None:
        """Have a request answered."""
        with self.lock:
            self.queue.append(task)
            self._wake()

    def handler_thread(self, thread_no: int) -> None:
        """Answer requests until told to end: what each of the threads does."""
        while (task := self._next(thread_no)) is not None:
            try:
                task.service()
            except BaseException:
                self.logger.exception("Exception when servicing %r", task)

    def _next(self, thread_no: int) -> Task | None:
        with self.lock:
            if self._worker == thread_no:
                self._worker = None
            while self.stop_count == 0 and not self._is_needed():
                self._stand_by()
            if self.stop_count > 0:
                self._end(thread_no)
                return None
            self._worker = thread_no
            self._taken_at = time.monotonic()
            task = self.queue.popleft()
            self._wake()
            return task

    def _is_needed(self) -> bool:
        return bool(self.queue) and (self._worker is None or self._patience_left() <= 0)

    def _patience_left(self) -> float:
        return self._taken_at + PATIENCE - time.monotonic()

    def _stand_by(self) -> None:
        watches = bool(self.queue) and not self._watched
        self._watched |= watches
        woken = threading.Condition(self.lock)
        self._waiting.append(woken)
        self.active_count -= 1
        woken.wait(self._patience_left() if watches else None)
        self.active_count += 1
        self._waiting.remove(woken)
        if watches:
            self._watched = False

    def _wake(self) -> None:
        """Wake a thread to work, or to watch whoever works."""
        is_looked_after = self._worker is not None and self._watched
        if self.queue and self._waiting and not is_looked_after:
            self._waiting[-1].notify()

    def _end(self, thread_no: int) -> None:
        self.active_count -= 1
        self.stop_count -= 1
        self.threads.discard(thread_no)
        self.thread_exit_cv.notify()

"""How values cross threads: newest wins (Slot), nothing unmarked is lost (Backlog, Reel)."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Mailbox(Protocol[T_co]):
    """What a Worker reads: Slot, Backlog, and every Source."""

    def take(self) -> T_co | None:
        """Wait for the next item; None means that there will be no more."""
        ...

    def close(self) -> None:
        """Ask for the end. Does not wait for it."""
        ...


class Slot(Generic[T]):
    """Holds one item. A newer item replaces one that nobody took, and counts it as dropped."""

    def __init__(self) -> None:
        self._changed, self._closed, self.dropped = Condition(), False, 0
        self._item: T | None = None

    def put(self, item: T) -> None:
        """Offer an item; never blocks."""
        with self._changed:
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify()

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for the next item; None once the slot is closed and empty, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._item is not None, timeout_s)
            item, self._item = self._item, None
            return item

    def poll(self) -> T | None:
        """Take the item if there is one, without waiting."""
        with self._changed:
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """End the stream; an item that already waits is still delivered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Retried(Slot[T]):
    """A slot that hands an item out again, after growing pauses, until a newer one comes.

    again  the item that is to be tried again; None if there is none
    """

    def __init__(self, first_s: float = 0.5, longest_s: float = 5.0) -> None:
        super().__init__()
        self._first_s, self._longest_s = first_s, longest_s
        self._pause_s = first_s
        self.again: T | None = None

    def retry(self, item: T) -> None:
        """Hand an item out again, unless a newer one comes; for the thread that takes."""
        self._pause_s = min(2 * self._pause_s, self._longest_s) if self.again else self._first_s
        self.again = item

    def done(self) -> None:
        """Leave it at that."""
        self.again = None

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for the next item, or for the time to try one again; None once closed."""
        item = super().take(timeout_s if self.again is None else self._pause_s)
        return self.again if item is None and not self._closed else item


class Backlog(Generic[T]):
    """A bounded queue that is drained before it ends. What does not fit is refused and counted.

    capacity  items that may wait; about two seconds' worth for a recording
    """

    def __init__(self, capacity: int) -> None:
        self._changed, self._closed, self.refused = Condition(), False, 0
        self._items: deque[T] = deque()
        self._capacity = capacity

    def put(self, item: T) -> bool:
        """Append without blocking; False if full, so that the caller marks the gap."""
        with self._changed:
            if self._closed or len(self._items) >= self._capacity:
                self.refused += 1
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def put_waiting(self, item: T) -> bool:
        """Append, waiting for room: for sources that can wait, such as files. False once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for the next item; None once closed and drained, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._items), timeout_s)
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """End the stream; what waits is still delivered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Reel(Generic[T]):
    """Remembers the newest items until it is rolled; from then on it is a Backlog.

    What a recording needs to have the seconds before its button was pressed.

    before    items that are remembered until then
    capacity  items that may wait afterwards, beside those remembered
    """

    def __init__(self, before: int, capacity: int) -> None:
        self._changed, self._closed, self._rolling, self.refused = Condition(), False, False, 0
        self._items: deque[T] = deque()
        self._before, self._capacity = before, before + capacity

    def put(self, item: T) -> bool:
        """Append without blocking; False if it was refused while rolling."""
        with self._changed:
            if self._closed:
                return False
            if self._rolling and len(self._items) >= self._capacity:
                self.refused += 1
                return False
            self._items.append(item)
            if not self._rolling and len(self._items) > self._before:
                self._items.popleft()
            self._changed.notify_all()
            return True

    @property
    def waiting(self) -> int:
        """How many items it holds."""
        return len(self._items)

    def roll(self) -> None:
        """Begin to hand items on, the oldest remembered one first."""
        with self._changed:
            self._rolling = True
            self._changed.notify_all()

    def take(self) -> T | None:
        """Wait for the next item; None once the reel is closed and what it holds was taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (self._rolling and bool(self._items)))
            if not self._rolling or not self._items:
                return None
            return self._items.popleft()

    def poll(self) -> T | None:
        """Take the oldest item without waiting; None if there is none, or it is not rolled yet."""
        with self._changed:
            return self._items.popleft() if self._rolling and self._items else None

    def close(self) -> None:
        """End the stream; what waits is still delivered if it was rolled."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

"""Play, pause, speed, loop, seek and step: what a user does with a video while it is read."""

from __future__ import annotations

from dataclasses import dataclass

from engine.mailbox import Backlog

SLOWEST, FASTEST = 0.25, 4.0
_WAITING = 1000  # orders; a reader looks for them before every picture


@dataclass(frozen=True, slots=True)
class Order:
    """Where to go: first to `seek_s`, if it is a time, then so many pictures on, or back."""

    seek_s: float | None = None
    steps: int = 0


class Player:
    """The controls of a video. Any thread gives orders; the thread that reads the video obeys.

    duration_s  of the video; None if the file does not say
    frame_s     nominal time from picture to picture
    loop        start again at the end
    hold        wait at the end, paused, instead of ending
    shown       position_s of the picture handed over last and the moment on the clock for which it
                stands; None while nothing moves
    """

    def __init__(self, duration_s: float | None, frame_s: float, *, loop: bool) -> None:
        self.duration_s, self.frame_s, self.loop = duration_s, frame_s, loop
        self.hold = False
        self.shown: tuple[float, int] | None = None
        self.position_s = 0.0  # of the picture that was handed over last
        self._playing, self._speed = True, 1.0
        self._orders: Backlog[Order] = Backlog(_WAITING)

    @property
    def playing(self) -> bool:
        """False while it is paused: then only what is sought or stepped to is handed over."""
        return self._playing

    @playing.setter
    def playing(self, on: bool) -> None:
        self._playing = on
        self.wake()

    @property
    def speed(self) -> float:
        """Times the recorded speed, 0.25 to 4; without effect on what is read without pacing."""
        return self._speed

    @speed.setter
    def speed(self, times: float) -> None:
        if not SLOWEST <= times <= FASTEST:
            raise ValueError(f"speed {times:g}: must be from {SLOWEST:g} to {FASTEST:g}")
        self._speed = times
        self.wake()

    def seek(self, position_s: float) -> None:
        """Go to the picture that is seen at a time; it is handed over at once, also if paused.

        position_s  seconds after the first picture; beyond the ends, the first or the last picture
        """
        self.position_s = max(0.0, position_s)
        self._orders.put(Order(seek_s=self.position_s))

    def step(self, pictures: int = 1) -> None:
        """Hand over the picture that lies so many on, or back, and stay there."""
        self._playing = False
        self._orders.put(Order(steps=pictures))

    def wake(self) -> None:
        """Let the reading thread look again at what is wanted."""
        self._orders.put(Order())

    def asked(self, timeout_s: float) -> Order | None:
        """Wait for orders and return them as one, for the reading thread; None if there are none.

        Of several times only the last is sought.
        """
        order = self._orders.take(timeout_s)
        while order is not None and (later := self._orders.take(0.0)) is not None:
            if later.seek_s is not None:
                order = later
            else:
                order = Order(order.seek_s, order.steps + later.steps)
        return order

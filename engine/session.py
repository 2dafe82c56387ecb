"""A session: built from a Config, started and stopped in order, reporting on itself.

Opening a camera and loading a network take seconds, so that all building happens on a thread of the
session's own; `start` and `apply` return at once and `status` tells how it went.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType

from engine import assembly
from engine.assembly import TrackerFactory, TrackerMaker
from engine.capture.choosing import comes_back, serves
from engine.capture.player import Player
from engine.capture.sources import Playable, Recorded, Source
from engine.centre import Centre
from engine.config import Choice, Config
from engine.describing import take_info
from engine.errors import FlowFaceError, PersonError, SourceError, TakeError
from engine.fit.person import PersonCalibration
from engine.graph import FrameTracker, Graph, Line, RecorderMaker, Tracked, recorder_line
from engine.history import History
from engine.mailbox import Retried, Slot
from engine.opening import create_sink, name_lines, open_output, open_source
from engine.people import People
from engine.preview import Preview
from engine.recording.studio import Stage, Studio
from engine.remote.control import RemoteControl
from engine.status import SessionStatus, State
from engine.trial import Trial
from engine.tuner import Tuner
from engine.types import Frame
from engine.worker import Worker

BUILD_TIMEOUT_S = 180.0  # loading a network and compiling the fit on a slow machine

_log = logging.getLogger(__name__)


class Session:
    """Everything between a source and the sinks.

    config         what to build; later changed with `apply`
    tracker_maker  makes the tracker; the real one unless a test brings its own
    recorders      (name, maker) of what gets every frame with its result
    latest         the newest (Frame, TrackResult), for whoever polls at display rate
    seen           the newest Frame of a camera while the tracker is not ready yet
    centre         what is straight ahead for the outputs
    history        the last minute of results
    calibration_asked  by remote control; for whoever can show the guided calibration

    Also a context manager: starts on entering, stops on leaving.
    """

    def __init__(
        self,
        config: Config,
        *,
        tracker_maker: TrackerMaker | None = None,
        recorders: Sequence[tuple[str, RecorderMaker]] = (),
    ) -> None:
        self.latest: Slot[Tracked] = Slot()
        self.seen: Slot[Frame] = Slot()
        self.centre, self.history = Centre(), History()
        self.calibration_asked: Slot[bool] = Slot()
        self.config = config
        self._make_tracker = tracker_maker or TrackerFactory()
        self._recorders = tuple(recorders)
        self._tuner = Tuner(config.shapes)
        self._built: Config | None = None
        self._graph: Graph | None = None
        self._error: Exception | None = None
        self._busy = self._stopped = self._paused = False
        self._configs: Retried[Config] = Retried()
        self._builder: Worker[Config] | None = None
        self._studio: Studio | None = None
        self._trial: Trial | None = None
        self._remote, self._sending = RemoteControl(self), True

    def start(self) -> None:
        """Begin to build; returns at once. `status` tells when it runs, or why it does not."""
        self._busy = True
        self._configs.put(self.config)
        self._studio = Studio(self.config.recording, self.config.sound)
        self._builder = Worker("session", self._configs, self._build)

    def apply(self, config: Config) -> None:
        """Change the running session: rebuilds only the parts that differ; returns at once."""
        before, self.config = self.config, config
        self._tuner.tuning = config.shapes
        beside = {name: getattr(config, name) for name in ("shapes", "recording", "sound")}
        if before != config and replace(before, **beside) == config:
            if self._studio is not None:
                self._studio.set(config.recording, config.sound)
            return  # nothing to build: neither a slider starts an ended video, nor tries a camera
        self._busy = True
        self._configs.put(config)

    def pause(self) -> None:
        """Let go of camera, network and receivers; returns at once. `resume` goes on."""
        self._paused = True
        self._configs.put(self.config)

    def resume(self) -> None:
        """Go on after `pause`, or begin an ended video anew; returns at once."""
        self._paused, self._busy = False, True
        self._configs.put(self.config)

    def send(self, on: bool) -> None:
        """Give the outputs what is tracked, or nothing."""
        self._sending = on
        if self._graph is not None:
            self._graph.sending = on

    def test_output(self, choice: Choice) -> Trial:
        """Send a made-up performance to one output, instead of what is tracked; returns at once."""
        if self._trial is not None:
            self._trial.stop()
        held = [line for line in self._lines_of(choice) if not line.held]
        for line in held:
            line.held = True

        def ended() -> None:
            for line in held:
                line.held = False

        head = self.config.tracker.head
        self._trial = Trial(lambda: create_sink(choice), lambda: assembly.load_head(head), ended)
        return self._trial

    def _lines_of(self, choice: Choice) -> list[Line]:
        graph, built = self._graph, self._built
        if graph is None or built is None:
            return []
        lines = zip(built.outputs, graph.lines, strict=False)
        return [line for output, line in lines if output == choice]

    def keep_person(self, name: str, calibration: PersonCalibration) -> None:
        """Keep the person in front of the camera under a name, with a calibration.

        Raises PersonError if that is somebody else's name, or nothing runs.
        """
        graph, built = self._graph, self._built
        if graph is None or built is None:
            raise PersonError(f"{name}: nobody to keep, the session does not run")
        People().save(graph.tracker.expect(name, calibration))
        # The tracker has the name already: no reason to build it anew.
        self._built = replace(built, tracker=replace(built.tracker, person=name))
        self.config = replace(self.config, tracker=replace(self.config.tracker, person=name))

    @property
    def studio(self) -> Studio:
        """Records takes. Raises TakeError before the session is started."""
        if self._studio is None:
            raise TakeError("nothing to record: the session is not started")
        return self._studio

    @property
    def player(self) -> Player | None:
        """The controls of the video or take that is played; None for a camera."""
        graph = self._graph
        if graph is None or graph.ended or self._busy:  # another may be about to be opened
            return None
        return graph.source.player if isinstance(graph.source, Playable) else None

    def stop(self) -> None:
        """End all threads in the order of the flow. Raises TimeoutError naming those that hang."""
        self._configs.close()
        hanging: list[str] = []
        if self._trial is not None and not self._trial.stop():
            hanging.append("output test")
        if self._builder is not None and not self._builder.join(BUILD_TIMEOUT_S):
            hanging.append("session")
        if not self._remote.close():
            hanging.append("remote control")
        if self._studio is not None:
            self._studio.leave()
        if self._graph is not None:
            hanging += self._graph.stop()
        if self._studio is not None and not self._studio.close(BUILD_TIMEOUT_S):
            hanging.append("takes")
        if not hanging:
            self._make_tracker.close()
        self._stopped = True
        if hanging:
            raise TimeoutError(f"did not stop in time: {', '.join(hanging)}")

    def __enter__(self) -> Session:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def status(self) -> SessionStatus:
        """Return a snapshot; cheap enough for display rate."""
        graph, error = self._graph, self._current_error()
        takes = None if self._studio is None else self._studio.status()
        if graph is None:
            loading = getattr(self._make_tracker, "progress", (0.0, ""))
            state = self._state(graph, error)
            trouble = str(error) if state is State.RECONNECTING else ""
            return SessionStatus(
                state,
                error,
                trouble,
                progress=loading,
                takes=takes,
                remote=self._remote.status(),
            )
        return SessionStatus(
            state=self._state(graph, error),
            error=error,
            trouble=graph.trouble,
            hint=graph.conditions.hint,
            refused=getattr(graph.source, "refused", ()),
            modes=getattr(graph.source, "modes", ()),
            source=graph.source.name,
            network=self._make_tracker.about,
            size_px=graph.source.camera.size_px,
            captured=graph.captured.count,
            processed=graph.processed.count,
            tracked=graph.tracked,
            capture_rate=graph.captured.rate(),
            tracker_rate=graph.processed.rate(),
            tracker_latency=graph.processed.latency(),
            dropped_by_camera=graph.camera_gaps,
            dropped_by_tracker=graph.dropped_frames,
            sinks=tuple(line.status() for line in graph.lines),
            takes=takes,
            sending=self._sending,
            remote=self._remote.status(),
        )

    def _current_error(self) -> Exception | None:
        if self._error is not None:
            return self._error
        if self._builder is not None and self._builder.error is not None:
            return self._builder.error
        return None if self._graph is None else self._graph.error

    def _state(self, graph: Graph | None, error: Exception | None) -> State:
        if self._paused:
            return State.STOPPED
        if self._busy and (self._builder is None or self._builder.alive):
            return State.STARTING
        if error is not None:
            return State.RECONNECTING if self._configs.again is not None else State.FAILED
        if self._stopped:
            return State.STOPPED
        if graph is None:
            return State.STARTING
        if graph.ended:
            return State.ENDED
        return State.RECONNECTING if graph.trouble else State.RUNNING

    def _build(self, config: Config) -> None:
        """Bring the graph in line with a configuration; runs on the session's own thread."""
        graph, built = self._graph, self._built
        asked = config
        if self._configs.again is not asked:
            self._error = None
            self._configs.done()
        self.studio.set(config.recording, config.sound)
        self._remote.set(config.remote)
        config = replace(config, outputs=tuple(c for c in config.outputs if c.enabled))
        try:
            if self._paused:
                self._halt()
            elif (
                graph is not None
                and built is not None
                and not graph.ended
                and built.tracker == config.tracker
                and serves(graph.source, built.source, config.source)
            ):
                self._exchange_outputs(graph, built, config)
            else:
                self._rebuild(config)
            self._built, self._error = config, None
            self._configs.done()
        except FlowFaceError as error:
            if self._configs.again is None:
                _log.info("not running: %s", error)
            self._error = error
            if isinstance(error, SourceError) and comes_back(config.source):
                self._configs.retry(asked)
        finally:
            self._busy = False

    def _halt(self) -> None:
        if self._graph is not None:
            self.studio.leave()
            self._graph.stop()
            self._graph = None

    def _rebuild(self, config: Config) -> None:
        self._halt()
        source = open_source(config.source)
        lines: list[Line] = []
        try:
            # The tracker last: it takes seconds, and a mistyped host name should be told at once.
            for choice in config.outputs:
                lines.append(open_output(choice, source))
            name_lines(lines, config)
            for name, maker in self._recorders:
                lines.append(recorder_line(name, maker, source))
            tracker = self._tracker(config, source)
        except FlowFaceError:
            for line in lines:
                line.stop()
            source.close()
            source.take()  # a closed source lets go of its device when it is next read
            raise
        graph = self._graph = Graph(
            source,
            tracker,
            tuple(lines),
            self.latest,
            self.studio,
            self._tuner,
            self.centre,
            self.history,
        )
        graph.sending = self._sending
        self.studio.enter(
            Stage(
                head=lambda: assembly.load_head(config.tracker.head),
                about=lambda: take_info(config, source.camera, source.name, source.frame_rate),
                rate=source.frame_rate,
                counts=lambda: (graph.camera_gaps, graph.dropped_frames),
            )
        )

    def _tracker(self, config: Config, source: Source) -> FrameTracker:
        """Make the tracker, which takes seconds; meanwhile a camera shows its picture."""
        if isinstance(source, Recorded):
            from engine.recording.replay import Replay  # loads what a picture need not wait for

            info = source.recorded.info
            return Replay(source.recorded, assembly.head_of_take(info.head, info.head_file.sha256))
        settings = config.source.settings
        if not source.live or hasattr(settings, "path") or not getattr(settings, "loop", True):
            # What is played once is tracked from its beginning.
            return self._make_tracker(config.tracker, source.camera, live=source.live)
        preview = Preview(source, self.seen)
        try:
            tracker = self._make_tracker(config.tracker, source.camera, live=True)
        finally:
            failure = preview.stop()
        if failure is not None:
            tracker.close()
            raise failure
        return tracker

    def _exchange_outputs(self, graph: Graph, built: Config, config: Config) -> None:
        """Keep the lines of outputs that stay, open new ones, stop the others."""
        outputs = dict(zip(built.outputs, graph.lines, strict=False))
        recorders = graph.lines[len(built.outputs) :]
        kept = {choice: line for choice, line in outputs.items() if choice in config.outputs}
        new = {
            choice: open_output(choice, graph.source)
            for choice in config.outputs
            if choice not in kept
        }
        lines = [{**kept, **new}[choice] for choice in config.outputs]
        name_lines(lines, config)
        graph.lines = (*lines, *recorders)
        for choice, line in outputs.items():
            if choice not in kept:
                line.stop()

"""A recorded take of a head that moves smoothly, is lost for a while, and speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine import assembly, clock
from engine.config import Config, source_choice
from engine.describing import take_info
from engine.fit.sides import spread
from engine.fit.skinning import vertices
from engine.geometry import assumed_camera, project, rigid, rotation_from_vector
from engine.recording.film import Sound, SoundFormat
from engine.recording.reader import Take, read_take
from engine.recording.recording import Recording, Reels
from engine.recording.settings import RecordSettings
from engine.types import (
    BLENDSHAPE_NAMES,
    Blendshapes,
    Frame,
    HeadState,
    Identity,
    Status,
    TrackResult,
)

RATE, FRAMES, SAMPLE_RATE = 30.0, 45, 48000
LOST = range(20, 26)
START_NS = 90 * clock.NS_PER_S
SIZE = (48, 64)
STEP_NS = round(clock.NS_PER_S / RATE)


def weights_at(second: float) -> np.ndarray:
    """Linear between frames, so that resampling has a closed form."""
    index = np.arange(len(BLENDSHAPE_NAMES))
    return (0.1 + 0.008 * index) * (0.2 + 0.5 * second / (FRAMES / RATE))


def turn_at(second: float) -> np.ndarray:
    """One axis, constant speed: the shortest arc is exact."""
    return np.array([0.1, 0.5, -0.2]) * second


def gaze_at(second: float) -> np.ndarray:
    return np.array([[0.2, -0.1], [0.1, -0.1]]) * second


def identity() -> np.ndarray:
    head = assembly.load_head("open")
    return np.random.default_rng(4).normal(0, 0.5, len(head.identity_basis)).astype(np.float32)


def result(index: int) -> TrackResult:
    second, captured_ns = index / RATE, START_NS + round(index * clock.NS_PER_S / RATE)
    if index in LOST:
        return TrackResult(index, captured_ns, captured_ns + 1, Status.LOST)
    head, person = assembly.load_head("open"), identity().astype(np.float64)
    weights = weights_at(second)
    expression = spread(weights, len(head.expression_names))
    gaze, neck = gaze_at(second), np.array([0.05, 0.02, 0.0]) * second
    pose = rigid(rotation_from_vector(turn_at(second)), np.array([0.02, -0.01, 0.6 + second / 50]))
    posed = vertices(head, person, expression, gaze, neck)
    camera = assumed_camera(SIZE[1], SIZE[0])
    return TrackResult(
        index,
        captured_ns,
        captured_ns + 1,
        Status.TRACKING,
        HeadState(
            pose,
            expression,
            gaze,
            neck,
            project(posed, pose, camera.intrinsics).astype(np.float32),
            posed.astype(np.float32),
            1.0,
        ),
        Blendshapes(weights.astype(np.float32), sd=np.full(52, 0.02, np.float32)),
        camera=camera,
        identity=Identity(person, head.neutral.copy()),
    )


def make_take(folder: Path, *, sound: bool = True) -> Take:
    folder.mkdir(parents=True)
    camera = assumed_camera(SIZE[1], SIZE[0])
    info = take_info(Config(source=source_choice("demo")), camera, "a test", RATE)
    from dataclasses import replace

    info = replace(info, slate="scene", take=3)
    reels, head = Reels(RATE, 0.0), assembly.load_head("open")
    heard = SoundFormat("a test", SAMPLE_RATE, 1) if sound else None
    recording = Recording(folder, info, head, reels, heard, RecordSettings())
    samples = 0
    for index in range(FRAMES):
        made = result(index)
        image = np.full((*SIZE, 3), 5 * index, np.uint8)
        reels.pictures.put(Frame(image, index, made.captured_ns))
        reels.results.put(made)
        while samples < (index + 1) * SAMPLE_RATE / RATE:
            number = np.arange(samples, samples + 480)
            tone = (8000 * np.sin(2 * np.pi * 440 * number / SAMPLE_RATE)).astype(np.int16)
            heard_ns = START_NS + round(samples / SAMPLE_RATE * clock.NS_PER_S)
            reels.sounds.put(Sound(tone[:, None], samples, heard_ns))
            samples += 480
    recording.stop()
    return read_take(folder)

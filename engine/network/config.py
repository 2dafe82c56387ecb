"""The configurations of the alignment network: one family, from a laptop to the paper's size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import ConfigError


@dataclass(frozen=True)
class NetworkConfig:
    """Size and kind of every part (method.md section 2)."""

    name: str
    encoder: str  # "light", or "mit_b0" .. "mit_b5"
    image_side_px: int  # D_img, side of the crop
    uv_side: int  # D_uv, side of the UV map in texels
    iterations: int  # N_iter, refinement steps
    start: Literal["matching", "zero"]  # F_0: expected position under a softmax, or the UV itself
    update: Literal["light", "raft"]  # depthwise GRU with fine features, or RAFT-L's separable GRU
    channels: int = 128  # of Z_uv and Z_img
    hidden: int = 64  # of the recurrent state and of the context
    correlation_levels: int = 2
    correlation_radius: int = 3
    width: int = 1  # of the light encoder: so many times the channels
    fine_channels: int = 16  # stride-4 features read around each estimate; 0 for none
    identity_size: int = 60  # coefficients of the head model that `traits` tells; 0 for no traits
    expression_size: int = 52
    eyes: bool = False  # a network of its own for the irises
    own_warm_update: bool = False  # warm steps have an update block of their own
    mirrored: bool = False  # the answer is the mean with the mirror image's

    def __post_init__(self) -> None:
        if self.uv_side % 8:
            raise ConfigError(f"{self.name}: uv_side must be a multiple of 8, got {self.uv_side}")
        if self.image_side_px % 32:
            raise ConfigError(
                f"{self.name}: image_side_px must be a multiple of 32, got {self.image_side_px}"
            )
        if self.fine_channels and self.encoder != "light":
            raise ConfigError(
                f"{self.name}: fine_channels must be 0: only the light encoder gives fine features"
            )
        if self.iterations < 0 or (self.start == "zero" and self.iterations == 0):
            raise ConfigError(f"{self.name}: a zero start needs at least one iteration")


def _mit(name: str, encoder: str, side_px: int) -> NetworkConfig:
    return NetworkConfig(
        name=name,
        encoder=encoder,
        image_side_px=side_px,
        uv_side=64,
        iterations=3,
        start="zero",
        update="raft",
        hidden=128,
        correlation_levels=4,
        correlation_radius=4,
        fine_channels=0,
    )


CONFIGURATIONS: dict[str, NetworkConfig] = {
    config.name: config
    for config in (
        NetworkConfig(
            name="nano",
            encoder="light",
            image_side_px=192,
            uv_side=32,
            iterations=1,
            start="matching",
            update="light",
            own_warm_update=True,
        ),
        NetworkConfig(
            name="base",
            encoder="light",
            width=3,
            image_side_px=192,
            uv_side=32,
            iterations=1,
            start="matching",
            update="light",
            own_warm_update=True,
            mirrored=True,
        ),
        _mit("paper", "mit_b5", 512),
    )
}


def configuration(name: str) -> NetworkConfig:
    """Return a configuration by name; ConfigError names the allowed ones."""
    if name not in CONFIGURATIONS:
        allowed = ", ".join(CONFIGURATIONS)
        raise ConfigError(f"network: unknown configuration {name!r}; allowed are {allowed}")
    return CONFIGURATIONS[name]

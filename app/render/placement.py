"""Where the camera image lies on the target: as large as fits, undistorted, centred."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placement:
    """Maps camera pixels to target pixels; in both, (0, 0) is the top-left corner, y down."""

    image_size_px: tuple[int, int]  # width, height
    target_size_px: tuple[int, int]
    mirror: bool = False  # exchange left and right, for display only

    @property
    def scale(self) -> float:
        """Target pixels per camera pixel."""
        (width, height), (across, down) = self.image_size_px, self.target_size_px
        return min(across / width, down / height)

    @property
    def rectangle_px(self) -> tuple[float, float, float, float]:
        """The image on the target: left, top, width, height."""
        width, height = (side * self.scale for side in self.image_size_px)
        across, down = self.target_size_px
        return (across - width) / 2, (down - height) / 2, width, height

    @property
    def ndc_from_image(self) -> tuple[float, float, float, float]:
        """Scale x, y and shift x, y from camera pixels to OpenGL's [-1, 1], y up."""
        left, top, width, _ = self.rectangle_px
        across, down = self.target_size_px
        step_x = -self.scale if self.mirror else self.scale
        start_x = left + width if self.mirror else left
        return (
            2 * step_x / across,
            -2 * self.scale / down,
            2 * start_x / across - 1,
            1 - 2 * top / down,
        )

    @property
    def scissor(self) -> tuple[int, int, int, int]:
        """The image on the target in OpenGL's order: left, bottom, width, height, whole pixels."""
        left, top, width, height = self.rectangle_px
        down = self.target_size_px[1]
        return round(left), round(down - top - height), round(width), round(height)

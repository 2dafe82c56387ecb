"""Line icons from SVG paths, in the colours of the theme."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_SIZE, _RATIO = 24, 3  # sharp up to three device pixels per pixel
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{colour}" '
    'stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"><path d="{path}"/></svg>'
)


def line_icon(path: str, colour: QColor, chosen: QColor) -> QIcon:
    """Return an icon for a button that can be checked.

    path    SVG path data on a field of 24 x 24
    chosen  colour while the button is checked
    """
    icon = QIcon()
    icon.addPixmap(_drawn(path, colour), QIcon.Mode.Normal, QIcon.State.Off)
    icon.addPixmap(_drawn(path, chosen), QIcon.Mode.Normal, QIcon.State.On)
    return icon


def _drawn(path: str, colour: QColor) -> QPixmap:
    svg = _SVG.format(colour=colour.name(), path=path).encode()
    pixmap = QPixmap(_SIZE * _RATIO, _SIZE * _RATIO)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg)).render(painter, QRectF(pixmap.rect()))
    painter.end()
    pixmap.setDevicePixelRatio(_RATIO)
    return pixmap

"""Reads ICT's displacements at the open head's vertices."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from engine.fit.heads.open_head import OpenHead
from engine.training.ict.correspondence import lash_loops
from engine.training.ict.registration import Registration, laplacian
from engine.training.ict.source import IctFace, sphere
from engine.types import Array

LOOSE = ("lashes", "teeth", "tongue", "eyeball_left", "eyeball_right")
SOCKET_M = 0.0012  # how far a socket may stand off the eyeball
RIGID_FROM_M, RIGID_OVER_M = 0.0015, 0.004  # of the lids' edge: from there sockets go with the ball
BITE_SHARE = 0.8  # of the teeth's height: their roots are longer than ICT's gums
LOWER_JAW_M = 0.005  # teeth that jawOpen moves by more are the lower ones
BALLS = (("eyeball_left", "M_ScleraLeft"), ("eyeball_right", "M_ScleraRight"))


class Carrier:
    """Carries fields over ICT's vertices to those of the registered open head."""

    def __init__(self, head: OpenHead, ict: IctFace, registration: Registration) -> None:
        self._head, self._ict, self._matched = head, ict, registration.matched
        rows = np.repeat(np.arange(len(registration.matched)), 3)
        shape = (len(rows) // 3, len(ict.neutral))
        places = registration.places
        self._read = sp.csr_matrix(
            (places.weights.ravel(), (rows, places.triangles.ravel())), shape=shape
        )
        self.vertices = registration.vertices.copy()
        self._sockets = self._place_balls()
        self._place_mouth()
        self._free = ~registration.matched & ~head.in_regions(*LOOSE)
        smooth = laplacian(head.triangles, len(head.neutral))
        self._factor = splu(smooth[self._free][:, self._free].tocsc())
        self._pull = smooth[self._free][:, self._matched]
        self._lashes = self._hung("lashes")
        self._bite = self._mouth_parts()

    def shape(self, field: Array) -> Array:
        """Return displacements (V, 3) of ICT's (W, 3): read on the skin, smooth where unmatched.

        Teeth and tongue take what ICT's do near them, lashes what the lids do; eyeballs nothing.
        """
        field = field.astype(float)
        moved = self._read @ field
        moved[self._free] = -self._factor.solve(self._pull @ moved[self._matched])
        for own, near, weights in self._bite:
            moved[own] = np.einsum("nk,nkc->nc", weights, field[near])
        lashes, root = self._lashes
        moved[lashes] = moved[root]
        moved[self._head.in_regions("eyeball_left", "eyeball_right")] = 0.0
        return moved

    def person(self, field: Array) -> Array:
        """Return `shape` of an identity field, with eyeballs that shift and grow."""
        moved = self.shape(field)
        for (ball, their), (socket, rigid) in zip(BALLS, self._sockets, strict=True):
            ours, theirs = self._head.in_regions(ball), self._ict.vertices_of(their)
            centre = sphere(self._ict.neutral[theirs])[0]
            offset = self._ict.neutral[theirs] - centre
            shift, growth = _similar(offset, field[theirs].astype(float))
            moved[ours] = shift + growth * (self.vertices[ours] - centre)
            along = shift + growth * (self.vertices[socket] - centre)
            moved[socket] += rigid[:, None] * (along - moved[socket])
        return moved

    def _place_balls(self) -> list[tuple[NDArray[np.int64], Array]]:
        """Put balls into ICT's; return, for both, the vertices of the socket and how rigid."""
        neutral = self._head.neutral.astype(float)
        edge = KDTree(neutral[self._head.in_regions("eyes") & self._matched])
        sockets: list[tuple[NDArray[np.int64], Array]] = []
        for ball, their in BALLS:
            ours = self._head.in_regions(ball)
            centre, radius = sphere(self._ict.neutral[self._ict.vertices_of(their)])
            own_centre, own_radius = sphere(neutral[ours])
            self.vertices[ours] = centre + (neutral[ours] - own_centre) * (radius / own_radius)
            near = np.linalg.norm(neutral - own_centre, axis=1) < 3 * own_radius
            socket = np.flatnonzero(self._head.in_regions("eye_sockets") & near)
            offset = self.vertices[socket] - centre
            distance = np.linalg.norm(offset, axis=1, keepdims=True)
            kept = np.minimum(distance, radius + SOCKET_M)
            self.vertices[socket] = centre + offset * (kept / distance)
            inside = np.asarray(edge.query(neutral[socket])[0])
            sockets.append((socket, np.clip((inside - RIGID_FROM_M) / RIGID_OVER_M, 0.0, 1.0)))
        return sockets

    def _place_mouth(self) -> None:
        """Fit the box of the teeth to that of ICT's, and take the tongue along."""
        teeth = self._head.in_regions("teeth")
        theirs = self._ict.neutral[self._ict.vertices_of("M_Teeth")]
        own = self._head.neutral[teeth].astype(float)
        scale = np.ptp(theirs, axis=0) / np.ptp(own, axis=0) * [1.0, BITE_SHARE, 1.0]
        inside = self._head.in_regions("teeth", "tongue")
        offset = self._head.neutral[inside].astype(float) - 0.5 * (
            own.min(axis=0) + own.max(axis=0)
        )
        self.vertices[inside] = 0.5 * (theirs.min(axis=0) + theirs.max(axis=0)) + offset * scale

    def _hung(self, region: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the region's vertices and the lid-edge vertex nearest to each."""
        own = np.flatnonzero(self._head.in_regions(region))
        edge = np.concatenate(lash_loops(self._head))
        neutral = self._head.neutral.astype(float)
        root = edge[KDTree(neutral[edge]).query(neutral[own])[1]]
        self.vertices[own] = self.vertices[root] + neutral[own] - neutral[root]
        return own, root

    def _mouth_parts(self) -> list[tuple[NDArray[np.bool_], NDArray[np.int64], Array]]:
        """Return upper teeth, lower teeth and tongue, with ICT vertices and weights (N, 8)."""
        jaw = np.linalg.norm(self._ict.shape("jawOpen"), axis=1) > LOWER_JAW_M
        lower = self._head.skin_weights[:, 2] > 0.5
        teeth, tongue = self._head.in_regions("teeth"), self._head.in_regions("tongue")
        found: list[tuple[NDArray[np.bool_], NDArray[np.int64], Array]] = []
        for own, part, moves in (
            (teeth & ~lower, "M_Teeth", False),
            (teeth & lower, "M_Teeth", True),
            (tongue, "M_GumsTongue", True),
        ):
            theirs = self._ict.vertices_of(part)
            theirs = theirs[jaw[theirs] == moves]
            tree = KDTree(self._ict.neutral[theirs])
            distance, near = tree.query(self.vertices[own], k=8)
            weights = 1.0 / (np.asarray(distance) + 0.002) ** 2
            weights /= weights.sum(axis=1, keepdims=True)
            found.append((own, theirs[near], weights))
        return found


def _similar(offset: Array, field: Array) -> tuple[Array, float]:
    """Return the shift (3,) and the growth that explain a field (N, 3) at offsets best."""
    count = len(offset)
    system = np.zeros((3 * count, 4))
    system[:, :3] = np.tile(np.eye(3), (count, 1))
    system[:, 3] = offset.ravel()
    solution = np.linalg.lstsq(system, field.ravel(), rcond=None)[0]
    return solution[:3], float(solution[3])

"""What training minimises: the likelihood of the true projections under every step's Gaussians.

Source: method.md section 2, loss. Three changes, each for a reason: a plain distance beside the
likelihood, whose gradient does not vanish where sigma is large (findings.md trained so); the
openings of lids and lips as a term of their own, since they move by less than a texel; a bounded
Mahalanobis distance, since a teacher's label can be plainly wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.fit.heads.open_head import OpenHead
from engine.network.aligner import FlowMap, Readout
from engine.network.eyes import Irises
from engine.network.traits import Traits
from engine.training.batches import Batch
from engine.training.fit_view import importance_of, prior_of, unknowns

# MediaPipe landmarks, upper against lower margin: right lids, left lids, inner lips.
OPENINGS: tuple[tuple[int, int], ...] = (
    (159, 145), (158, 153), (160, 144), (157, 154), (161, 163),
    (386, 374), (385, 380), (387, 373), (384, 381), (388, 390),
    (13, 14), (82, 87), (312, 317), (81, 178), (311, 402), (0, 17),
)  # fmt: skip

# MediaPipe landmarks: centre and ring of each iris against the corners of its eye.
IRISES: tuple[tuple[int, int], ...] = tuple(
    (iris, corner)
    for irises, corners in ((range(468, 473), (33, 133)), (range(473, 478), (362, 263)))
    for iris in irises
    for corner in corners
)

IRIS_CENTRES = 468, 473  # right, left

# Share of the loss that each region gets, however many vertices it has.
REGION_SHARES: dict[str, float] = {
    "face": 0.34, "eyes": 0.21, "nose": 0.08, "mouth": 0.20, "ears": 0.03, "scalp": 0.015,
    "neck": 0.015, "inner_mouth": 0.01, "eyeball_left": 0.035, "eyeball_right": 0.035,
    "teeth": 0.01, "tongue": 0.015, "lashes": 0.005, "eye_sockets": 0.005,
}  # fmt: skip

TONGUE_OUT = 0.3  # of tongueOut: from here on it passes the lips


@dataclass(frozen=True)
class LossSettings:
    """Weights of the terms."""

    step_decay: float = 0.8  # RAFT's: earlier steps count less
    distance: float = 0.5  # per px, beside the likelihood
    opening: float = 0.5  # per px, of lid and lip openings
    iris: float = 0.3  # per px, of the irises' places in the eyes
    portrait: float = 1.0  # of the teacher's landmarks against rendered vertices
    still: float = 1.0  # per sigma between the two views of a face
    further: float = 0.5  # of a second cold step, and of a warm one where both have one block
    eyes: float = 1.0  # of the irises that a network of their own finds
    fit: float = 0.0  # of what the alignment's errors do to the fit's unknowns
    traits: float = 0.0  # of all traits, while the alignment learns
    identity: float = 1.0  # of the traits
    expression: float = 1.0
    tongue: float = 2.0
    bound: float = 50.0  # of d^2 / (2 sigma^2), then linear in d / sigma


class AlignmentLoss(nn.Module):
    """The loss of a batch over all steps, with parts by name for the log."""

    def __init__(self, head: OpenHead, settings: LossSettings) -> None:
        super().__init__()
        self.settings, self.head = settings, head
        self.readout = Readout(torch.from_numpy(head.uv.astype("float32")))
        self.register_buffer("vertex_weight", vertex_weights(head), persistent=False)
        self.register_buffer(
            "triangles", torch.from_numpy(head.landmark_triangles.astype("int64")), persistent=False
        )
        self.register_buffer(
            "corners", torch.from_numpy(head.landmark_weights.astype("float32")), persistent=False
        )
        self.register_buffer("pairs", torch.tensor(OPENINGS), persistent=False)
        self.register_buffer("iris_pairs", torch.tensor(IRISES), persistent=False)
        self.register_buffer(
            "fit_prior", torch.from_numpy(prior_of(head).astype("float32")), persistent=False
        )
        self.register_buffer(
            "fit_importance",
            torch.from_numpy(importance_of(head).astype("float32")),
            persistent=False,
        )
        self.tongue = head.expression_names.index("tongueOut")
        self.vertex_weight: Tensor
        self.triangles: Tensor
        self.corners: Tensor
        self.pairs: Tensor
        self.iris_pairs: Tensor
        self.fit_prior: Tensor
        self.fit_importance: Tensor

    def forward(self, estimates: list[FlowMap], batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Return the loss and the mean distances (px) of the last step."""
        total = batch.image.new_zeros(())
        parts: dict[str, float] = {}
        for k, flow in enumerate(estimates):
            weight = self.settings.step_decay ** (len(estimates) - 1 - k)
            loss, parts = self._step(flow, batch)
            total = total + weight * loss
        return total, parts

    def stillness(self, flow: FlowMap, batch: Batch) -> tuple[Tensor, float]:
        """Return how far the answers of two views of one face lie apart, in sigmas and in px.

        The truth does not enter: an error that moves with the face is no jitter. Counting in sigmas
        keeps the pictures that nobody could read from outvoting the clear ones.
        """
        points, sigma = self.readout(flow)
        first, second = points[: batch.pairs], points[batch.pairs :]
        turn, shift = batch.second_from_first[:, :, :2], batch.second_from_first[:, :, 2]
        moved = first @ turn.transpose(1, 2) + shift[:, None]
        of_vertices = (batch.landmark_weight.amax(1) == 0)[: batch.pairs, None]
        seen = torch.where(of_vertices, batch.point_weight[: batch.pairs], 1.0)
        weight = self.vertex_weight * seen
        weight = weight / weight.sum()
        distance = (moved - second).square().sum(-1).add(1e-6).sqrt()
        unsure = 0.5 * (sigma[: batch.pairs] + sigma[batch.pairs :]).detach()
        return (weight * distance / unsure).sum(), float((weight * distance).sum().detach())

    def fit(self, flow: FlowMap, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Return how far the fit is led astray, and what that is in degrees and coefficients."""
        points, sigma = self.readout(flow)
        vertex = batch.fit_vertex
        place = vertex[..., None].expand(-1, -1, 2)
        error = points.gather(1, place) - batch.points.gather(1, place)
        wrong = unknowns(
            error,
            sigma.gather(1, vertex),
            batch.fit_jacobian,
            batch.fit_information,
            self.fit_prior,
        )
        known = batch.expression
        return wrong.loss(known, self.fit_importance), wrong.parts(known)

    def irises(self, found: Irises, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Return the likelihood of the irises' centres, right and left, and a plain distance."""
        centres = list(IRIS_CENTRES)
        given = batch.landmark_weight[:, centres]
        truth = torch.where(
            given[..., None] > 0,
            batch.landmarks[:, centres],
            self.landmarks(batch.points)[:, centres],
        )
        weight = given + self.landmarks(batch.point_weight[..., None])[:, centres, 0]
        distance = (found.centre - truth).square().sum(-1).add(1e-6).sqrt()
        square = (distance * (-found.log_sigma).exp()).square().clamp(max=2 * self.settings.bound)
        each = 2.0 * found.log_sigma + 0.5 * square + self.settings.distance * distance
        seen = weight.sum().clamp(min=1e-6)
        loss = self.settings.eyes * (weight * each).sum() / seen
        return loss, {"eye_px": float((weight * distance).sum().detach() / seen)}

    def traits(self, told: Traits, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of identity, expression and tongue, each over the samples that know."""
        settings = self.settings
        identity = _coefficients(
            told.identity, told.identity_log_sigma, batch.identity, batch.identity_weight
        )
        expression = _coefficients(
            told.expression, told.expression_log_sigma, batch.expression, batch.expression_weight
        )
        out = (batch.expression[:, self.tongue] > TONGUE_OUT).to(told.tongue_logit.dtype)
        tongue = F.binary_cross_entropy_with_logits(
            told.tongue_logit[:, 0], out, batch.expression_weight, reduction="sum"
        ) / batch.expression_weight.sum().clamp(min=1.0)
        loss = (
            settings.identity * identity
            + settings.expression * expression
            + settings.tongue * tongue
        )
        return loss, {
            "identity": float(identity.detach()),
            "expression": float(expression.detach()),
            "tongue": float(tongue.detach()),
        }

    def _step(self, flow: FlowMap, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        points, sigma = self.readout(flow)
        marks, mark_sigma = self.landmarks(points), self.landmarks(sigma[..., None])[..., 0]
        truth = torch.where(
            batch.landmark_weight.amax(1)[:, None, None] > 0,
            batch.landmarks,
            self.landmarks(batch.points),
        )
        # An opening counts on every stream: exact where rendered, the teacher's on portraits.
        trust = torch.where(batch.landmark_weight > 0, batch.landmark_weight, 1.0)
        vertex, vertex_px = self._terms(
            points, sigma, batch.points, batch.point_weight * self.vertex_weight
        )
        mark, mark_px = self._terms(marks, mark_sigma, batch.landmarks, batch.landmark_weight)
        opening_px = _between(self.pairs, marks, truth, trust)
        # Unlike a lid, an iris that is covered says nothing.
        seen = self.landmarks(batch.point_weight[..., None])[..., 0]
        iris_px = _between(self.iris_pairs, marks, truth, seen + batch.landmark_weight)
        settings = self.settings
        loss = vertex + settings.portrait * mark + settings.opening * opening_px
        loss = loss + settings.iris * iris_px
        return loss, {
            "vertex_px": float(vertex_px.detach()),
            "landmark_px": float(mark_px.detach()),
            "opening_px": float(opening_px.detach()),
            "iris_px": float(iris_px.detach()),
        }

    def landmarks(self, values: Tensor) -> Tensor:
        """Read (B, V, C) vertex values at the landmarks, (B, 478, C)."""
        return (values[:, self.triangles] * self.corners[None, :, :, None]).sum(2)

    def _terms(
        self, points: Tensor, sigma: Tensor, truth: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        distance = (points - truth).square().sum(-1).add(1e-6).sqrt()
        ratio = distance / sigma
        bound = self.settings.bound
        edge = (2.0 * bound) ** 0.5
        square = torch.where(ratio < edge, 0.5 * ratio.square(), bound + edge * (ratio - edge))
        each = 2.0 * sigma.log() + square + self.settings.distance * distance
        scale = weight.sum().clamp(min=1e-6)
        share = (weight.sum(1) > 0).float().mean()  # of the batch that has this kind of label
        mean_px = (weight * distance).sum() / scale
        return (weight * each).sum() / scale * share, mean_px


def _between(pairs: Tensor, marks: Tensor, truth: Tensor, trust: Tensor) -> Tensor:
    """Return the mean error (px) of the vectors between pairs (N, 2) of landmarks."""
    one, other = pairs.unbind(1)
    error = (marks[:, one] - marks[:, other]) - (truth[:, one] - truth[:, other])
    weight = torch.minimum(trust[:, one], trust[:, other])
    distance = error.square().sum(-1).add(1e-6).sqrt()
    return (weight * distance).sum() / weight.sum().clamp(min=1e-6)


def _coefficients(mean: Tensor, log_sigma: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Return the negative log-likelihood a coefficient, (B, K) each, over weighted samples."""
    each = log_sigma + 0.5 * ((mean - truth) * (-log_sigma).exp()).square()
    return (weight * each.mean(1)).sum() / weight.sum().clamp(min=1.0)


def vertex_weights(head: OpenHead) -> Tensor:
    """Return lambda_i (V,): REGION_SHARES spread evenly over the vertices of each region."""
    weight = torch.zeros(len(head.neutral))
    for index, name in enumerate(head.region_names):
        mask = torch.from_numpy(head.region == index)
        weight[mask] = REGION_SHARES[name] / max(int(mask.sum()), 1)
    return weight

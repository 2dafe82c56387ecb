"""The figures that training watches: accuracy, openings, stillness, and what a warm step loses."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from engine.network.aligner import Aligner
from engine.training.augment import AugmentSettings
from engine.training.batches import BatchMaker, validation_crops
from engine.training.fit_view import FitLinear
from engine.training.loss import AlignmentLoss
from engine.training.packs import Pack
from engine.training.report import draw_samples
from engine.training.warm_start import WarmSettings, disturbed

_MESH = 468  # landmarks without the irises
_CHUNK = 32
_DRAWN = 8
_STILL_PICTURES = 32
_CHAIN = 10  # warm steps in a row
_SHIFTS = ((0.0, 0.0), (0.5, 0.0), (0.25, 0.5), (-0.4, -0.2))  # px
_NOISE = 2.5 / 255
_FITTED = 64  # pictures


@torch.no_grad()
def figures(
    network: Aligner, loss: AlignmentLoss, packs: list[Pack], limit: int
) -> dict[str, float]:
    """Return what a network reaches.

    packs  portraits (their validation split) and test packs; others are passed over
    """
    network.eval()
    result: dict[str, float] = {}
    for pack in packs:
        if pack.spread is not None:
            result |= _on_portraits(network, loss, pack, limit)
        elif pack.is_test:
            result |= _on_rendered(network, loss, pack, limit)
    return result


def _on_portraits(
    network: Aligner, loss: AlignmentLoss, pack: Pack, limit: int
) -> dict[str, float]:
    crops, truth = _crops(network, loss, pack, limit)
    return {
        "nme_percent": nme_percent(_landmarks(network, loss, crops), truth),
        "warm_nme_percent": nme_percent(_landmarks(network, loss, crops, warm=1), truth),
        "chain_nme_percent": nme_percent(_landmarks(network, loss, crops, warm=_CHAIN), truth),
        "nme3_percent": nme_percent(_landmarks(network, loss, crops, iterations=3), truth),
        "portrait_opening_px": opening_px(loss, _landmarks(network, loss, crops), truth),
        "shaken_px": shaken_px(network, loss, crops[:_STILL_PICTURES]),
    }


def _on_rendered(network: Aligner, loss: AlignmentLoss, pack: Pack, limit: int) -> dict[str, float]:
    crops, vertices = _crops(network, loss, pack, limit)
    truth = loss.landmarks(vertices)
    found = _landmarks(network, loss, crops)
    return {
        "rendered_opening_px": opening_px(loss, found, truth),
        "rendered_px": float((found - truth).norm(dim=-1).median()),
    } | {f"rendered_{name}": value for name, value in _led_astray(network, loss, pack).items()}


def _led_astray(network: Aligner, loss: AlignmentLoss, pack: Pack) -> dict[str, float]:
    """Return what the errors on clean pictures of a pack do to the fit, see fit_view.py."""
    side, clean = network.config.image_side_px, AugmentSettings.none()
    maker = BatchMaker(loss.head, [pack], [1.0], side, clean, fit=FitLinear(loss.head))
    batch = maker.make(0, 0, _FITTED).part(slice(0, _FITTED)).to(str(network.v.device))
    if not batch.fit_vertex.shape[1]:
        return {}
    flow = network.answer(batch.image, network(batch.image))
    return loss.fit(flow, batch)[1]


def _crops(network: Aligner, loss: AlignmentLoss, pack: Pack, limit: int) -> tuple[Tensor, Tensor]:
    crops, labels = validation_crops(pack, loss.head, network.config.image_side_px, limit)
    device = network.v.device
    return crops.to(device), labels.to(device)


def _landmarks(
    network: Aligner,
    loss: AlignmentLoss,
    crops: Tensor,
    iterations: int | None = None,
    *,
    warm: int = 0,
) -> Tensor:
    """Return the landmarks (N, 478, 2) of crops.

    warm  further steps, each from the memory of the one before, disturbed
    """
    generator = torch.Generator().manual_seed(0)
    found: list[Tensor] = []
    for part in crops.split(_CHUNK):
        estimate = network(part, iterations=iterations)
        side = network.config.image_side_px
        for _ in range(warm):
            start = disturbed(estimate.memory, WarmSettings(), side, generator)
            estimate = network(part, start)
        found.append(loss.landmarks(loss.readout(network.answer(part, estimate))[0]))
    return torch.cat(found)


@torch.no_grad()
def draw(network: Aligner, loss: AlignmentLoss, packs: list[Pack], path: Path) -> None:
    """Draw some pictures of the first pack that is measured on, with what the network finds."""
    network.eval()
    for pack in packs:
        if pack.spread is not None or pack.is_test:
            crops, truth = _crops(network, loss, pack, _DRAWN)
            truth = truth if pack.spread is not None else loss.landmarks(truth)
            points, sigma = loss.readout(network.answer(crops, network(crops)))
            shown = (crops.permute(0, 2, 3, 1) * 255).to(torch.uint8)
            marks, spread = loss.landmarks(points), loss.landmarks(sigma[..., None])[..., 0]
            found = [tensor.cpu().numpy() for tensor in (shown, marks, truth, spread)]
            draw_samples(found[0], found[1], found[2], found[3], path)
            return


def nme_percent(marks: Tensor, truth: Tensor) -> float:
    """Return the mean distance of 468 landmarks in % of the root of their box's area."""
    box = (truth[:, :_MESH].amax(1) - truth[:, :_MESH].amin(1)).prod(-1).sqrt()
    error = (marks - truth)[:, :_MESH].norm(dim=-1).mean(1)
    return float((error / box).mean()) * 100


def opening_px(loss: AlignmentLoss, marks: Tensor, truth: Tensor) -> float:
    """Return the mean error of the openings of lids and lips."""
    upper, lower = loss.pairs.unbind(1)
    gaps = [(p[:, upper] - p[:, lower]).norm(dim=-1) for p in (marks, truth)]
    return float((gaps[0] - gaps[1]).abs().mean())


def shaken_px(network: Aligner, loss: AlignmentLoss, crops: Tensor) -> float:
    """Return the standard deviation of landmarks over shifted, noisy copies, shift taken out."""
    generator = torch.Generator().manual_seed(1)
    seen: list[Tensor] = []
    for x, y in _SHIFTS:
        move = crops.new_tensor([[1.0, 0.0, x], [0.0, 1.0, y]]).expand(len(crops), -1, -1)
        grid = torch.nn.functional.affine_grid(
            move * move.new_tensor([1.0, 1.0, 2.0 / crops.shape[-1]]),
            list(crops.shape),
            align_corners=False,
        )
        copy = torch.nn.functional.grid_sample(
            crops, grid, mode="bicubic", padding_mode="border", align_corners=False
        )
        noise = _NOISE * torch.randn(copy.shape, generator=generator).to(copy)
        marks = _landmarks(network, loss, (copy + noise).clamp(0, 1))
        seen.append(marks + marks.new_tensor([x, y]))
    return float(torch.stack(seen)[..., :_MESH, :].var(0).sum(-1).mul(0.5).sqrt().mean())

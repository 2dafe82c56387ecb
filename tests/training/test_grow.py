"""A wider network begins by seeing what the narrow one saw."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from engine.network.aligner import Aligner
from engine.network.config import configuration
from engine.training.grow import grown

SIDE = 64
NARROW = replace(configuration("nano"), image_side_px=SIDE, uv_side=16)
WIDE = replace(
    NARROW, name="wide", width=3, fine_channels=2 * NARROW.fine_channels, hidden=128, update="raft"
)


def with_statistics(config_seed: int) -> Aligner:
    """A network whose normalisations are not those of the beginning."""
    torch.manual_seed(config_seed)
    network = Aligner(NARROW)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.3)
            module.running_mean, module.running_var = (
                torch.rand(module.num_features),
                torch.rand(module.num_features) + 0.5,
            )
    return network.eval()


def test_a_wider_encoder_sees_the_same() -> None:
    narrow, wide = with_statistics(1), Aligner(WIDE).eval()
    wide.load_state_dict(wide.state_dict() | grown(narrow.state_dict(), wide))
    image = torch.rand(2, 3, SIDE, SIDE)
    with torch.inference_mode():
        one, other = narrow.encoder(image), wide.encoder(image)
        torch.testing.assert_close(other.coarse, one.coarse, rtol=1e-4, atol=1e-5)
        assert one.fine is not None
        assert other.fine is not None
        repeated = one.fine.repeat_interleave(2, dim=1)
        torch.testing.assert_close(other.fine, repeated, rtol=1e-4, atol=1e-5)
        repeated = one.pooled.repeat_interleave(3, dim=1)
        torch.testing.assert_close(other.pooled, repeated, rtol=1e-4, atol=1e-5)
        # and so the match is the same
        torch.testing.assert_close(
            wide(image, iterations=0).steps[0].position,
            narrow(image, iterations=0).steps[0].position,
            rtol=1e-4,
            atol=1e-3,
        )


def test_equal_channels_learn_apart() -> None:
    narrow, wide = with_statistics(2), Aligner(WIDE)
    wide.load_state_dict(wide.state_dict() | grown(narrow.state_dict(), wide))
    wide.encoder(torch.rand(2, 3, SIDE, SIDE)).coarse.square().mean().backward()
    first = wide.encoder.stem[0].weight.grad  # (3 * 16, 3, 3, 3), equal in threes
    assert first is not None
    assert not torch.allclose(first[0], first[1], rtol=0.05)


def test_what_has_another_shape_is_left_out() -> None:
    narrow, wide = with_statistics(3), Aligner(WIDE)
    found = grown(narrow.state_dict(), wide)
    parts = {name.split(".")[0] for name in wide.state_dict() if name not in found}
    assert parts == {"update", "warm_update", "traits"}
    shapes = {name: tensor.shape for name, tensor in wide.state_dict().items()}
    assert all(tensor.shape == shapes[name] for name, tensor in found.items())


def test_maps_are_resampled() -> None:
    narrow = with_statistics(4)
    larger = Aligner(replace(NARROW, name="larger", uv_side=32, image_side_px=2 * SIDE))
    found = grown(narrow.state_dict(), larger)
    texture, new = narrow.z_uv.textures[0].detach(), found["z_uv.textures.0"]
    assert new.shape[2:] == (32, 32)
    # A texel's centre lies a quarter of the old spacing from the nearest old one.
    expected = (
        9 * texture[..., 0, 0] + 3 * texture[..., 0, 1] + 3 * texture[..., 1, 0]
    ) / 16 + texture[..., 1, 1] / 16
    torch.testing.assert_close(new[..., 1, 1], expected, rtol=1e-4, atol=1e-5)
    assert found["place"].shape[2:] == (16, 16)

"""Sizes of the networks against the published and counted figures."""

import pytest
import torch

from networks import build, macs, parameter_count


def test_wave_unet_m1_has_the_published_size():
    net = build("wave-unet-m1")
    assert parameter_count(net) == 10_263_002  # 10,263,028 with the second output's 26
    assert macs(net) == pytest.approx(2.4432e9, rel=1e-3)


def test_unet_jansson_has_the_published_size():
    net = build("unet-jansson")
    assert parameter_count(net) == pytest.approx(9.82e6, rel=1e-3)
    seconds = net.domain["frames"] * net.domain["hop"] / 16000
    assert macs(net) / seconds == pytest.approx(0.253e9, rel=5e-3)


def test_default_unet_is_small_and_quick_enough():
    net = build("unet")
    assert parameter_count(net) < 3e6
    assert macs(net) * 16000 / net.block < 0.3e9
    assert net.block / 16000 < 5


@pytest.mark.parametrize("name", ["unet", "unet-jansson", "wave-unet-m1"])
def test_output_has_the_shape_of_the_input(name):
    net = build(name)
    x = torch.rand(1, *net.input_shape)
    with torch.no_grad():
        y = net.module().eval()(x)
    assert y.shape == x.shape
    assert torch.isfinite(y).all()


def test_masks_stay_between_0_and_1():
    net = build("unet", frames=32)
    with torch.no_grad():
        y = net.module().eval()(10 * torch.rand(1, *net.input_shape))
    assert 0 <= y.min() and y.max() <= 1


def test_the_mask_of_a_frame_depends_on_frames_far_away():
    net = build("unet", frames=64)
    module = net.module().eval()
    x = torch.rand(1, *net.input_shape, requires_grad=True)
    module(x)[0, 0, 32].sum().backward()
    touched = x.grad[0, 0].abs().sum(1) > 0
    assert touched[:8].any() and touched[56:].any()

"""Sizes of the networks against the published and counted figures."""

import pytest
import torch

from networks import NETWORKS, SAMPLE_RATE, build, macs, parameter_count


def macs_per_second(net):
    """Blocks side by side: a frame counts for its hop."""
    d = net.domain
    samples = net.block if d["kind"] == "wave" else d["frames"] * d["hop"]
    return macs(net) * SAMPLE_RATE / samples


def test_wave_unet_m1_has_the_published_size():
    net = build("wave-unet-m1")
    assert parameter_count(net) == 10_263_002  # 10,263,028 with the second output's 26
    assert macs_per_second(net) == pytest.approx(2.386e9, rel=1e-3)


def test_unet_jansson_has_the_published_size():
    net = build("unet-jansson")
    assert parameter_count(net) == pytest.approx(9.82e6, rel=1e-3)
    assert macs_per_second(net) == pytest.approx(0.253e9, rel=5e-3)


def test_wave_densenet_has_the_size_that_the_paper_gives():
    net = build("wave-densenet")
    assert parameter_count(net) == 3_071_104  # the paper: about 3 M; of the readings of it, this one comes to 3.07 M
    assert macs_per_second(net) == pytest.approx(17.0e9, rel=5e-3)


def test_mmdensenet_has_the_size_of_the_public_one():
    net = build("mmdensenet")
    assert parameter_count(net) == pytest.approx(0.29e6, rel=0.02)
    assert macs_per_second(net) == pytest.approx(2.6e9, rel=0.02)


@pytest.mark.parametrize("name", ["wave-unet-m1", "wave-densenet"])
def test_waveform_networks_start_from_the_mixture(name):
    net = build(name)
    x = 0.1 * torch.randn(1, *net.input_shape)
    with torch.no_grad():
        assert torch.allclose(net.module().eval()(x), torch.tanh(x), atol=1e-6)


def test_default_unet_is_small_and_quick_enough():
    net = build("unet")
    assert parameter_count(net) < 3e6
    assert macs(net) * 16000 / net.block < 0.3e9
    assert net.block / 16000 < 5


@pytest.mark.parametrize("name", NETWORKS)
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

"""Spectra, losses and the metric on signals whose answer is known; one resumable training run."""

import pytest
import torch

import evaluate_peaks
import losses
import modelfile
import train
from networks import build
from recipe import Recipe, parse
from separate import magnitudes_of, music_of
from spectra import istft, local_mean, peak_mask, spread, stft


def test_istft_undoes_stft_where_windows_overlap_fully():
    audio = torch.randn(2, 1024 + 256 * 20)
    back = istft(stft(audio))
    assert torch.allclose(back[:, 768:-768], audio[:, 768:-768], atol=1e-5)


def test_local_mean_of_a_constant_is_the_constant_also_at_the_edges():
    assert torch.allclose(local_mean(torch.full((1, 40, 50), 3.0), 5, 7), torch.tensor(3.0))


def test_peaks_are_the_tones():
    t = torch.arange(1024 + 256 * 100) / 16000
    mask = peak_mask(stft(torch.sin(2 * torch.pi * 1000 * t)[None]).abs()[..., :-1], 20)
    assert set(mask[0].nonzero()[:, 1].tolist()) == {64}


def test_spread_reaches_one_cell_each_way():
    mask = torch.zeros(1, 9, 9)
    mask[0, 4, 4] = 1
    assert spread(mask, 1, 2).sum() == 15


def loss_at(scale: float, level: float) -> float:
    torch.manual_seed(0)
    music = level * torch.rand(1, 64, 512)
    clean = peak_mask(music, 25)
    return losses.spectral_loss(scale * music, music, 10 * music, clean).item()


def test_loss_is_zero_when_right_and_does_not_depend_on_level():
    assert loss_at(1.0, 1.0) == pytest.approx(0, abs=1e-6)
    assert loss_at(0.5, 10.0) == pytest.approx(loss_at(0.5, 0.1), rel=0.02)


def test_too_much_costs_more_than_too_little():
    assert loss_at(2.0, 1.0) > loss_at(0.5, 1.0)


def test_peak_loss_grows_as_noise_covers_the_peaks():
    torch.manual_seed(0)
    music = torch.rand(1, 64, 512)
    noise, clean = torch.rand(1, 64, 512), peak_mask(music, 25)
    seen = [losses.peak_loss(music + g * noise, music, clean) for g in (0.0, 0.3, 3.0)]
    assert seen[0] < seen[1] < seen[2]


def test_speech_alone_rewards_silence():
    mixture, silence = torch.rand(1, 64, 512) + 0.1, torch.zeros(1, 64, 512)
    quiet, loud = (losses.magnitude_loss(g * mixture, silence, mixture) for g in (0.001, 0.5))
    assert quiet < loud


def test_an_identity_mask_returns_the_audio():
    net = build("unet", frames=32)
    audio = 0.1 * torch.randn(20000)
    out = music_of(net, lambda x: torch.ones_like(x), audio)
    spectrum_loss = (out - audio).abs()[1024:-4096].max()
    assert out.shape == audio.shape and spectrum_loss < 0.02  # only the dropped bin is missing


def test_masked_magnitudes_are_those_of_the_audio_masked():
    net, audio = build("unet", frames=32), 0.1 * torch.randn(20000)
    whole = stft(audio[None]).abs()[..., :-1]
    assert torch.allclose(magnitudes_of(net, lambda x: torch.full_like(x, 0.5), audio), 0.5 * whole)


def test_a_perfect_separator_keeps_every_peak():
    t = torch.arange(12 * 16000) / 16000
    music = sum(torch.sin(2 * torch.pi * f * t * (1 + 0.01 * torch.sin(5 * t))) for f in (300, 900, 2500))
    pairs = [(0.05 * music, 0.05 * torch.randn(len(t)))]
    rows = evaluate_peaks.table(lambda mixture: pairs[0][0], pairs)
    assert rows[-20][0, 1] == pytest.approx(1.0)


def test_training_resumes_where_it_stopped(trainer_args):
    first = train.Trainer(trainer_args)
    losses_seen = [first.train_step() for _ in range(3)]
    first.save()
    again = train.Trainer(trainer_args)
    assert all(x > 0 for x in losses_seen) and again.step == 3 and again.examples == 6
    for a, b in zip(first.model.state_dict().values(), again.model.state_dict().values()):
        assert torch.equal(a, b)
    again.log(again.train_step())
    assert (trainer_args.run / "curve.csv").read_text().splitlines()[0].startswith("step,")


def test_a_run_of_steps_ends_there_and_keeps_models(trainer_args):
    trainer_args.steps, trainer_args.keep_every, trainer_args.set = 2, 1, ["codec=1", "peak_loss=0"]
    trainer = train.Trainer(trainer_args)
    trainer.run()
    assert trainer.step == 2 and trainer.recipe.codec == 1
    assert len(list(trainer_args.run.glob("step-*/*.safetensors"))) == 2


def test_a_run_can_begin_with_a_file(trainer_args):
    trainer_args.steps, trainer_args.keep_every = 1, 1
    train.Trainer(trainer_args).run()
    [file] = trainer_args.run.glob("step-*/*.safetensors")
    trainer_args.init, trainer_args.run = file, trainer_args.run / "second"
    again = train.Trainer(trainer_args)
    net, module = modelfile.read(file)
    x = torch.rand(1, *net.input_shape)
    with torch.no_grad():
        assert torch.allclose(again.average(x), module(x), atol=1e-6)
    assert again.train_step() > 0 and not again.model.weight("f.w").requires_grad


def test_settings_of_a_recipe_are_checked():
    assert parse(["overlap=0.5"]) == Recipe(overlap=0.5)
    with pytest.raises(SystemExit, match="allowed: under"):
        parse(["nonsense=1"])
    with pytest.raises(SystemExit, match="not a number"):
        parse(["codec=x"])

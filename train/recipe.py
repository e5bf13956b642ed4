"""What is mixed and what is minimised: every choice of a training run that is not the network or the optimiser.

`train.py --set NAME=VALUE` changes one, and so does each row of `ablate.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Recipe:
    # Kinds of examples, as shares; SNR is the RMS of the music stretch over that of the speech stretch.
    under: float = 0.70  # music under speech, U(lowest_db, 0)
    over: float = 0.15  # music over speech, U(0, 20) dB
    music: float = 0.10  # music alone
    speech: float = 0.05  # speech alone
    lowest_db: float = -30.0

    # Odds of what an example goes through.
    cut: float = 0.8  # the speech's pauses are cut out, or music shows through them
    overlap: float = 0.2  # a second speaker
    effects: float = 0.25  # sound effects, as part of the speech
    speed: float = 0.4  # the music 15 % slower to 18 % faster
    colour: float = 0.6  # a smooth random equaliser, on each
    compression: float = 0.3
    bandwidth: float = 0.25  # a low pass between 4.5 and 7.9 kHz
    codec: float = 0.15  # the noise and the holes of a perceptual coder, in the mixture alone

    # Loss (losses.py).
    floor: float = 0.1  # of the clean music's local level: what lies lower need not be resolved
    peak_weight: float = 4.0  # around the clean music's peaks
    speech_weight: float = 2.0  # at the mixture's peaks: they become false peaks if they stay
    interference: float = 1.5  # too much is worse than too little
    peak_loss: float = 0.5  # of the peak loss beside the spectral loss
    wave_loss: float = 0.3  # of the level-invariant loss of the waveform; waveform networks

    def kinds(self) -> tuple[list[str], list[float]]:
        names = ["under", "over", "music", "speech"]
        shares = [getattr(self, n) for n in names]
        return names, [s / sum(shares) for s in shares]


def parse(settings: list[str], base: Recipe = Recipe()) -> Recipe:
    """["codec=0", ...] applied to `base`."""
    names = [f.name for f in fields(Recipe)]
    changes = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in names:
            raise SystemExit(f"recipe: {setting}: allowed: {', '.join(names)}")
        try:
            changes[name] = float(value)
        except ValueError:
            raise SystemExit(f"recipe: {setting}: not a number") from None
    return replace(base, **changes)

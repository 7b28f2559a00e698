"""MFCC as the decoder computes them; `MFCC_CONF` states the same to Kaldi."""

import kaldi_native_fbank as knf
import numpy as np
import numpy.typing as npt

RATE = 8000
COEFFICIENTS = 30
LOW_HZ, HIGH_HZ = 40, -200
FRAME_S, CENTRE_S = 0.01, 0.0125

MFCC_CONF = f"""--use-energy=false
--sample-frequency={RATE}
--num-mel-bins={COEFFICIENTS}
--num-ceps={COEFFICIENTS}
--low-freq={LOW_HZ}
--high-freq={HIGH_HZ}
--dither=0.0
"""


def mfcc(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Samples at 8 kHz -> (frames, 30), one frame each 10 ms."""
    options = knf.MfccOptions()
    options.frame_opts.samp_freq = RATE
    options.frame_opts.dither = 0
    options.use_energy = False
    options.num_ceps = COEFFICIENTS
    options.mel_opts.num_bins = COEFFICIENTS
    options.mel_opts.low_freq = LOW_HZ
    options.mel_opts.high_freq = HIGH_HZ
    computer = knf.OnlineMfcc(options)
    computer.accept_waveform(RATE, samples.astype(np.float32))
    computer.input_finished()
    frames = [computer.get_frame(index) for index in range(computer.num_frames_ready)]
    return np.stack(frames).astype(np.float32)

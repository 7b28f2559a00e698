"""The network as Kaldi's binary `final.mdl`: transition model, nnet3 network, priors.

Formats: kaldi/src/hmm/transition-model.cc, hmm-topology.cc, nnet3/nnet-nnet.cc, matrix/compressed-matrix.cc.
"""

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recordings.speech.training.lexicon import Phone
from recordings.speech.training.net import CONTEXTS, MARGIN, Network

FORWARD = 0.5
"""Probability of leaving a phone's only state."""
BATCH_NORM_EPSILON = 1e-5

Array = npt.NDArray[np.float64]


class KaldiWriter:
    """Kaldi's binary values, one after the other."""

    def __init__(self) -> None:
        self.data = bytearray(b"\0B")

    def token(self, *tokens: str) -> None:
        for token in tokens:
            self.data += f"{token} ".encode()

    def line(self, text: str = "") -> None:
        self.data += f"{text}\n".encode()

    def integer(self, *values: int) -> None:
        for value in values:
            self.data += b"\4" + struct.pack("<i", value)

    def integers(self, values: list[int]) -> None:
        self.data += b"\4" + struct.pack(f"<i{len(values)}i", len(values), *values)

    def real(self, value: float) -> None:
        self.data += b"\4" + struct.pack("<f", value)

    def double(self, value: float) -> None:
        self.data += b"\x08" + struct.pack("<d", value)

    def vector(self, values: npt.ArrayLike) -> None:
        array = np.asarray(values, "<f4")
        self.token("FV")
        self.integer(len(array))
        self.data += array.tobytes()

    def matrix(self, values: Array) -> None:
        """Two bytes a value between the smallest and the largest (`CM2`): half of the size, no word changed."""
        low, span = float(values.min()), float(np.ptp(values)) or 1.0
        self.token("CM2")
        self.data += struct.pack("<ffii", low, span, *values.shape)
        self.data += np.round((values - low) / span * 65535).astype("<u2").tobytes()


def write_model(path: Path, network: Network, table: list[Phone], priors: Array) -> None:
    """Write `final.mdl`."""
    out = KaldiWriter()
    _transitions(out, table)
    affines = _folded(network)
    out.token("<Nnet3>")
    out.line()
    out.line("\n".join(_topology(affines[0][0].shape[1] // len(CONTEXTS[0]))))
    out.line()
    out.token("<NumComponents>")
    out.integer(2 * len(affines))
    for index, (weights, bias) in enumerate(affines[:-1], 1):
        _affine(out, f"tdnn{index}.affine", weights, bias)
        _nonlinear(out, f"tdnn{index}.relu", "RectifiedLinearComponent", len(bias))
    weights, bias = affines[-1]
    _affine(out, "output.affine", weights, bias)
    _nonlinear(out, "output.log-softmax", "LogSoftmaxComponent", len(bias))
    out.token("</Nnet3>", "<LeftContext>")
    out.integer(MARGIN)
    out.token("<RightContext>")
    out.integer(MARGIN)
    out.token("<Priors>")
    out.vector(priors)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(out.data)


def self_loop(phone: int) -> int:
    """Transition id of staying in a phone (one state each, in the order of phones)."""
    return 2 * phone - 1


def forward(phone: int) -> int:
    """Transition id of leaving a phone."""
    return 2 * phone


def _transitions(out: KaldiWriter, table: list[Phone]) -> None:
    ids = [phone.id for phone in table]
    out.token("<TransitionModel>", "<Topology>")
    out.integers(ids)
    out.integers([-1, *[0] * len(ids)])
    out.integer(1, 2, 0, 2, 0)
    out.real(1 - FORWARD)
    out.integer(1)
    out.real(FORWARD)
    out.integer(-1, 0)
    out.token("</Topology>", "<Triples>")
    out.integer(len(table))
    for phone in table:
        out.integer(phone.id, 0, phone.pdf)
    out.token("</Triples>", "<LogProbs>")
    out.vector([0, *[np.log(1 - FORWARD), np.log(FORWARD)] * len(table)])
    out.token("</LogProbs>", "</TransitionModel>")


def _folded(network: Network) -> list[tuple[Array, Array]]:
    """(weights, bias) of each affine; input scaling and batch norm are folded into the affine after them."""
    state = {name: value.double().numpy() for name, value in network.state_dict().items()}
    scale, shift = 1 / state["deviation"], -state["mean"] / state["deviation"]
    affines = []
    for index in range(len(CONTEXTS)):
        weights, bias = state[f"layers.{index}.weight"], state[f"layers.{index}.bias"]
        bias = bias + np.einsum("oik,i->o", weights, shift)
        weights = weights * scale[None, :, None]
        affines.append((weights.transpose(0, 2, 1).reshape(len(bias), -1), bias))
        norm = {name: state[f"norms.{index}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")}
        scale = norm["weight"] / np.sqrt(norm["running_var"] + BATCH_NORM_EPSILON)
        shift = norm["bias"] - norm["running_mean"] * scale
    weights, bias = state["output.weight"][:, :, 0], state["output.bias"]
    affines.append((weights * scale, bias + weights @ shift))
    return affines


def _topology(dimension: int) -> list[str]:
    lines = [f"input-node name=input dim={dimension}"]
    previous = "input"
    for index, context in enumerate(CONTEXTS, 1):
        parts = (previous if offset == 0 else f"Offset({previous}, {offset})" for offset in context)
        name = f"tdnn{index}"
        lines += [
            f"component-node name={name}.affine component={name}.affine input=Append({', '.join(parts)})",
            f"component-node name={name}.relu component={name}.relu input={name}.affine",
        ]
        previous = f"{name}.relu"
    return [
        *lines,
        f"component-node name=output.affine component=output.affine input={previous}",
        "component-node name=output.log-softmax component=output.log-softmax input=output.affine",
        "output-node name=output input=output.log-softmax objective=linear",
    ]


def _affine(out: KaldiWriter, name: str, weights: Array, bias: Array) -> None:
    out.token("<ComponentName>", name, "<FixedAffineComponent>", "<LinearParams>")
    out.matrix(weights)
    out.token("<BiasParams>")
    out.vector(bias)
    out.token("</FixedAffineComponent>")


def _nonlinear(out: KaldiWriter, name: str, kind: str, dimension: int) -> None:
    out.token("<ComponentName>", name, f"<{kind}>", "<Dim>")
    out.integer(dimension)
    out.token("<ValueAvg>")
    out.vector([])
    out.token("<DerivAvg>")
    out.vector([])
    out.token("<Count>")
    out.double(0)
    out.token("<NumDimsSelfRepaired>")
    out.double(0)
    out.token("<NumDimsProcessed>")
    out.double(0)
    out.token(f"</{kind}>")

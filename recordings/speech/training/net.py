"""The acoustic network: a small time-delay network, and its training."""

import logging
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from recordings.speech.training.features import CENTRE_S, COEFFICIENTS, FRAME_S, mfcc
from recordings.speech.training.synthesis import Utterance

CONTEXTS = ((-2, -1, 0, 1, 2), (-1, 0, 1), (-3, 0, 3), (-3, 0, 3), (-3, 0, 3))
"""Each layer's inputs in frames of 10 ms; from the second layer on it runs every third frame."""
SUBSAMPLING = 3
"""Fixed in Vosk."""
MARGIN = 12
"""Frames of context on either side: 2 + 1 + 3 * 3."""
IGNORED = -1
BATCH = 24
PEAK_RATE = 3e-3

log = logging.getLogger(__name__)

Frames = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Example:
    """Features (frames, 30) and the output that each frame stands for."""

    frames: Frames
    labels: Labels


class Network(nn.Module):  # type: ignore[misc]  # torch is installed for training only
    """(batch, 30, frames + 2 * MARGIN) -> (batch, outputs, frames / 3)."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        sizes = [COEFFICIENTS, width, width, width, width]
        kernels = [len(context) for context in CONTEXTS]
        strides = [1, SUBSAMPLING, 1, 1, 1]
        self.layers = nn.ModuleList(
            nn.Conv1d(size, width, kernel, stride=stride)
            for size, kernel, stride in zip(sizes, kernels, strides, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in CONTEXTS)
        self.output = nn.Conv1d(width, outputs, 1)
        self.register_buffer("mean", torch.zeros(COEFFICIENTS))
        self.register_buffer("deviation", torch.ones(COEFFICIENTS))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        mean, deviation = self.get_buffer("mean"), self.get_buffer("deviation")
        value = (frames - mean[:, None]) / deviation[:, None]
        for layer, norm in zip(self.layers, self.norms, strict=True):
            value = functional.dropout(norm(functional.relu(layer(value))), 0.05, self.training)
        result: torch.Tensor = self.output(value)
        return result


def example(utterance: Utterance, pdfs: list[str]) -> Example:
    """Features of an utterance, each frame labelled by the phone at its centre."""
    index = {name: position for position, name in enumerate(pdfs)}
    frames = mfcc(utterance.samples)
    labels = np.zeros(len(frames), np.int64)
    for start, end, phone in utterance.labels:
        first, last = (max(0, int(np.ceil((time - CENTRE_S) / FRAME_S))) for time in (start, end))
        labels[first:last] = index[phone]
    return Example(frames, labels)


def train(
    examples: list[Example], held_out: list[Example], outputs: int, *, width: int, epochs: int, seed: int
) -> Network:
    """Train with one cosine cycle; prints loss and accuracy on unheard frames for each epoch."""
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    network = Network(width, outputs)
    sample = np.concatenate([item.frames for item in examples[:500]])
    network.get_buffer("mean").copy_(torch.tensor(sample.mean(0)))
    network.get_buffer("deviation").copy_(torch.tensor(sample.std(0)))
    by_length = sorted(range(len(examples)), key=lambda position: len(examples[position].frames))
    batches = [by_length[start : start + BATCH] for start in range(0, len(by_length), BATCH)]
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=epochs * len(batches))
    for epoch in range(epochs):
        network.train()
        total = 0.0
        for batch in chance.permutation(len(batches)):
            frames, labels = _batch([examples[i] for i in batches[batch]], int(chance.integers(SUBSAMPLING)))
            scores = network(frames)[:, :, : labels.shape[1]]
            loss = functional.cross_entropy(
                scores, labels[:, : scores.shape[2]], ignore_index=IGNORED, label_smoothing=0.02
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        log.info(f"epoch {epoch + 1}: loss {total / len(batches):.3f}, accuracy {accuracy(network, held_out):.4f}")
    network.eval()
    return network


def accuracy(network: Network, examples: list[Example]) -> float:
    """Share of frames whose phone is right."""
    network.eval()
    right = count = 0
    with torch.no_grad():
        for item in examples:
            frames, labels = _batch([item], 0)
            guess = network(frames).argmax(1)
            length = min(guess.shape[1], labels.shape[1])
            right += int((guess[:, :length] == labels[:, :length]).sum())
            count += length
    return right / count


def priors(examples: list[Example], outputs: int) -> npt.NDArray[np.float64]:
    """How often each output occurs."""
    counts = np.ones(outputs)
    for item in examples:
        counts += np.bincount(item.labels, minlength=outputs)
    return np.asarray(counts / counts.sum())


def _batch(items: list[Example], shift: int) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(item.frames) for item in items) - shift
    frames = np.stack(
        [
            np.pad(
                item.frames[shift:], ((MARGIN, MARGIN + 2 + longest - len(item.frames) + shift), (0, 0)), mode="edge"
            )
            for item in items
        ]
    )
    width = -(-longest // SUBSAMPLING)
    labels = np.full((len(items), width), IGNORED, np.int64)
    for row, item in zip(labels, items, strict=True):
        kept = item.labels[shift::SUBSAMPLING]
        row[: len(kept)] = kept
    return torch.tensor(frames).transpose(1, 2), torch.tensor(labels)

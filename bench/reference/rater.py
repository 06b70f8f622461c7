"""train_rater in a plain implementation: one padded history per target (docs/reference.md)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

WINDOW = 30
BATCH = 128


class Samples(Dataset):
    """Each target with its last 30 ratings, padded at the front."""

    def __init__(self, vectors: Tensor, histories: dict[str, np.ndarray], targets: np.ndarray) -> None:
        self.vectors, self.histories, self.targets = vectors, histories, targets
        self.users = np.searchsorted(histories["offsets"], targets, side="right") - 1

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        target = self.targets[number]
        start = max(self.histories["offsets"][self.users[number]], target - WINDOW)
        count = target - start
        watched, ratings, mask = (
            torch.zeros(WINDOW, self.vectors.shape[1]),
            torch.zeros(WINDOW),
            torch.zeros(WINDOW),
        )
        if count:
            rows = self.histories["movie_row"][start:target].astype(np.int64)
            watched[-count:] = self.vectors[torch.from_numpy(rows)]
            ratings[-count:] = torch.tensor(
                [scaled(code) for code in self.histories["half_star_code"][start:target]]
            )
            mask[-count:] = 1
        candidate = self.vectors[int(self.histories["movie_row"][target])]
        return (
            watched,
            ratings,
            mask,
            candidate,
            torch.tensor(scaled(self.histories["half_star_code"][target])),
        )


def scaled(code: int) -> float:
    """Return a half-star code, 1 … 10, as 0 … 1."""
    return (int(code) / 2 - 0.5) / 4.5


class Attention(nn.Module):
    """The attention rater of docs/reference.md; one seed gives our weights."""

    def __init__(self, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(dim, hidden), nn.Linear(dim, hidden)
        self.code = nn.Sequential(nn.Linear(1, hidden // 2), nn.ReLU(), nn.Linear(hidden // 2, hidden))
        self.value = nn.Linear(dim + hidden, hidden)
        self.head = nn.Sequential(
            nn.Linear(2 * hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden // 2), nn.ReLU(), nn.Linear(hidden // 2, 1), nn.Sigmoid(),
        )  # fmt: skip
        self.bias = nn.Sequential(nn.Linear(hidden, 1), nn.Sigmoid())
        self.dropout = nn.Dropout(dropout)

    def forward(self, watched: Tensor, ratings: Tensor, mask: Tensor, candidate: Tensor) -> Tensor:
        """Predict scaled ratings, [batch]."""
        query, key = self.query(candidate), self.key(watched)
        scores = torch.bmm(key, query.unsqueeze(2)).squeeze(2) / query.shape[1] ** 0.5
        weights = torch.softmax(scores.masked_fill(mask == 0, -1e9), dim=1) * mask
        weights = self.dropout(weights).unsqueeze(1)
        code = self.code(ratings.unsqueeze(2))
        value = self.value(torch.cat([watched, code], dim=2))
        context, taste = torch.bmm(weights, value).squeeze(1), torch.bmm(weights, code).squeeze(1)
        head = self.head(torch.cat([context, query], dim=1)).squeeze(1)
        return 0.7 * head + 0.3 * self.bias(taste).squeeze(1)


def steps(model: Attention, samples: Samples) -> Iterator[int]:
    """Train, a batch at a time; yield how many targets each had."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    model.train()
    while True:
        for *inputs, actual in DataLoader(samples, batch_size=BATCH, shuffle=True):
            loss = nn.functional.mse_loss(model(*inputs), actual)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            yield len(actual)


@torch.no_grad()
def predict(model: Attention, samples: Samples) -> np.ndarray:
    """Predict scaled ratings in the order of the samples."""
    model.eval()
    return np.concatenate([model(*inputs).numpy() for *inputs, _ in DataLoader(samples, batch_size=BATCH)])

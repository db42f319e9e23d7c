"""The original's own style of PyTorch loop, its DataLoader replaced by tensor indexing."""

import numpy as np
import torch
from torch import nn

from benchmarks.data import BATCH_SIZE, Data


class CNN(nn.Module):
    """Two convolutions with pools, and a dense layer."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(1, 16, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(2))
        self.conv2 = nn.Sequential(nn.Conv2d(16, 32, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(2))
        self.out = nn.Linear(32 * 7 * 7, 10)

    def forward(self, x):
        """Return logits `(batch, 10)` of images `(batch, 1, 28, 28)`."""
        x = self.conv2(self.conv1(x))
        return self.out(x.reshape(x.size(0), -1))


class Loop:
    """The training loop.

    Args:
        data: What to train and test on.
        log_every: Steps between two log lines; 0 for none.
    """

    def __init__(self, data: Data, log_every: int):
        torch.manual_seed(1)
        self.images = torch.tensor(data.images).permute(0, 3, 1, 2).contiguous()
        self.labels = torch.tensor(data.labels)
        self.test_images = torch.tensor(data.test_images).permute(0, 3, 1, 2).contiguous()
        self.test_labels = data.test_labels
        self.log_every = log_every
        self.model = CNN()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001)
        self.loss = nn.CrossEntropyLoss()

    def run_epoch(self, order: np.ndarray) -> list[tuple[float, float]]:
        """Train on the examples in `order` and return the log."""
        log = []
        order = torch.tensor(order)
        for step in range(len(order) // BATCH_SIZE):
            batch = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
            loss = self.loss(self.model(self.images[batch]), self.labels[batch])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if self.log_every and (step + 1) % self.log_every == 0:
                with torch.no_grad():
                    predicted = self.model(self.test_images).argmax(dim=1).numpy()
                log.append((loss.item(), float((predicted == self.test_labels).mean())))
        return log

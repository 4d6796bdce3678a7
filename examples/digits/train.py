"""Train the network of digits.yaml in PyTorch, and keep its weights as PyTorch does.

python train.py digits.pt
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

import netspec

from data import digits

SPEC = Path(__file__).with_name("digits.yaml")
BATCH = 64


def main() -> None:
    """Train, test and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", metavar="FILE", help="the file of weights to write")
    parser.add_argument("--epochs", type=int, default=15, help="15 unless given")
    arguments = parser.parse_args()

    torch.set_num_threads(1)  # for a network so small, threads cost more than they give
    torch.manual_seed(0)
    train, train_labels, test, test_labels = (torch.from_numpy(array) for array in digits())
    model = netspec.load(SPEC).build("torch")
    fit(model, train, train_labels, arguments.epochs)

    model.eval()
    with torch.no_grad():
        right = int((model(test).argmax(1) == test_labels).sum())
    print(f"PyTorch reads {right} of {len(test)} test images right: {right / len(test):.1%}")
    torch.save(model.state_dict(), arguments.output)


def fit(model: nn.Module, images: Tensor, labels: Tensor, epochs: int) -> None:
    """Train ``model`` in place; the rate of learning rises and falls once."""
    steps = epochs * len(images.split(BATCH))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for batch in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss = loss_of(model(shifted(images[batch])), labels[batch])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch:2}: loss {total / len(images):.3f}")


def shifted(images: Tensor) -> Tensor:
    """Each batch moved by up to one pixel, so that the network does not learn places by heart."""
    down, right = (int(n) for n in torch.randint(-1, 2, (2,)))
    return images.roll((down, right), (2, 3))


if __name__ == "__main__":
    main()

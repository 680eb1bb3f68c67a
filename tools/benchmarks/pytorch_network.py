"""The network in plain PyTorch: the baseline of tools/benchmarks/gpu.py.

Own code after the formulas of C. Guo, X. Jiang, IEEE Access 9, 2021; the weights are those of the
Keras branches. Tensors are N×C×H×W. Under torch.autocast the convolutions are in its precision,
the moments in float32.

    network = ToneMapper({branch: {layer: (kernel k×k×C×D, bias D)}})
    picture = network(high, bot)
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-6
NEGATIVE_SLOPE = 0.3
LEVEL_NUM = 3
TEST_PADDING = 6


def convolution(kernel, bias):
    """Return the nn.Conv2d of a kernel k×k×C×D and a bias D, with zero "same" padding."""
    side, _, channels_in, channels = kernel.shape
    layer = nn.Conv2d(channels_in, channels, side, padding="same")
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()))
        layer.bias.copy_(torch.from_numpy(bias))
    return layer


class Block(nn.Module):
    """Convolution, leaky ReLU and normalization by the moments of each picture or the batch."""

    def __init__(self, weights, per_batch=False):
        super().__init__()
        self.convolution = convolution(*weights)
        self.per_batch = per_batch

    def forward(self, x):
        """Return the normalized maps."""
        x = functional.leaky_relu(self.convolution(x), NEGATIVE_SLOPE).float()
        if self.per_batch:
            return functional.batch_norm(x, None, None, training=True, eps=EPSILON)
        return functional.instance_norm(x, eps=EPSILON)


class Tri(nn.Module):
    """Kernels of 1, 3 and 5 pixels on thirds of the channels, with a shortcut."""

    def __init__(self, layers, name):
        super().__init__()
        self.parts = nn.ModuleList(Block(layers[f"{name}_{side}x{side}"]) for side in (1, 3, 5))
        self.merge = Block(layers[f"{name}_merge"])

    def forward(self, x):
        """Return the block's result."""
        thirds = x.chunk(3, 1)
        parts = [block(third) for block, third in zip(self.parts, thirds, strict=True)]
        return x + self.merge(torch.cat(parts, 1))


class High(nn.Module):
    """The branch of the detail layer."""

    def __init__(self, layers):
        super().__init__()
        self.first = Block(layers["conv1"])
        self.body = nn.Sequential(*(Block(layers[f"conv{i}"]) for i in (2, 3, 4)))
        self.last = convolution(*layers["conv5"])

    def forward(self, picture):
        """Return the tone-mapped detail layer."""
        first = self.first(picture)
        return torch.sigmoid(self.last(self.body(first) + first).float()) + picture


class Chain(nn.Module):
    """Two blocks, tri-groups, a block, and a convolution with a sigmoid: bot and ft."""

    def __init__(self, layers, tri_groups, per_batch, shortcut):
        super().__init__()
        self.body = nn.Sequential(
            Block(layers["conv1"], per_batch),
            Block(layers["conv2"], per_batch),
            *(Tri(layers, name) for name in tri_groups),
            Block(layers["conv3"], per_batch),
            convolution(*layers["conv4"]),
        )
        self.shortcut = shortcut

    def forward(self, picture):
        """Return the branch's picture."""
        output = torch.sigmoid(self.body(picture).float())
        return output + picture if self.shortcut else output


class ToneMapper(nn.Module):
    """out = ft(high(h) + up(bot(b)))."""

    def __init__(self, weights):
        super().__init__()
        self.high = High(weights["high"])
        self.bot = Chain(weights["bot"], ("tri",), True, True)
        self.ft = Chain(weights["ft"], ("tri1", "tri2"), False, False)
        row = np.array([1, 4, 6, 4, 1], np.float32)
        kernel = torch.from_numpy(np.outer(row, row) / 64).repeat(3, 1, 1, 1)
        self.register_buffer("kernel", kernel)

    def forward(self, high, bot, padding=0):
        """Return N×3×H×W in (0, 1).

        Args:
            high: N×3×H×W, the detail layer.
            bot: N×3×H/8×W/8, the base layer.
            padding: mirrored pixels round the bot layer: 0 in training, TEST_PADDING in testing.
        """
        base = self.bot(functional.pad(bot, [padding] * 4, "reflect") if padding else bot)
        if padding:
            base = base[:, :, padding:-padding, padding:-padding]
        for _ in range(LEVEL_NUM):
            spread = base.new_zeros(*base.shape[:2], 2 * base.shape[2], 2 * base.shape[3])
            spread[:, :, ::2, ::2] = base
            padded = functional.pad(spread, [2] * 4, "reflect")
            base = functional.conv2d(padded, self.kernel, groups=3)
        return self.ft(self.high(high) + base)

from torch import nn


class Ref(nn.Module):
    def __init__(self, inplace=False, dilation=8, eps=1e-5):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=8, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=inplace)
        self.conv2 = nn.Conv2d(8, 8, 3, dilation=dilation, padding=dilation, bias=False)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        return self.fc(self.conv2(self.relu(self.bn1(self.conv1(x)))).mean((2, 3)))


def ref():
    return Ref()


def inplace():
    return Ref(True)

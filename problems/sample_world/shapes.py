"""The silhouettes of the drawable kinds, as polygons in a square from -1 to 1 (x to the right, y down)."""

import numpy as np

# A part is (adds ink or cuts it away, points [n, 2]); later parts are drawn over earlier ones.
Part = tuple[bool, np.ndarray]


def _polygon(*points: float) -> np.ndarray:
    return np.array(points, dtype=np.float64).reshape(-1, 2)


def _box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return _polygon(left, top, right, top, right, bottom, left, bottom)


def _oval(
    x: float, y: float, width: float, height: float, start: float = 0.0, end: float = 360.0
) -> np.ndarray:
    """An ellipse, or the part of it from one angle to another (degrees, clockwise from the right)."""
    angles = np.radians(np.linspace(start, end, 28))
    return np.stack([x + width * np.cos(angles), y + height * np.sin(angles)], axis=1)


def _rays(count: int, inner: float) -> np.ndarray:
    angles = np.arange(2 * count) * np.pi / count - np.pi / 2
    lengths = np.where(np.arange(2 * count) % 2 == 0, 1.0, inner)
    return np.stack([lengths * np.cos(angles), lengths * np.sin(angles)], axis=1)


def _heart() -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 40)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x / 17, -(y + 2) / 15.5], axis=1)


def _flower() -> list[Part]:
    angles = np.arange(6) * np.pi / 3
    petals = [(True, _oval(0.62 * np.cos(a), 0.62 * np.sin(a), 0.36, 0.36)) for a in angles]
    return [*petals, (True, _oval(0, 0, 0.5, 0.5)), (False, _oval(0, 0, 0.26, 0.26))]


def _ladder() -> list[Part]:
    rungs = [(True, _box(-0.5, y - 0.08, 0.5, y + 0.08)) for y in (-0.72, -0.24, 0.24, 0.72)]
    return [(True, _box(-0.55, -1, -0.33, 1)), (True, _box(0.33, -1, 0.55, 1)), *rungs]


def _umbrella() -> list[Part]:
    scallops = [(False, _oval(x, 0.05, 0.33, 0.2)) for x in (-0.66, 0.0, 0.66)]
    hook = [(True, _oval(0.2, 0.72, 0.28, 0.28, 0, 180)), (False, _oval(0.2, 0.7, 0.12, 0.14, 0, 180))]
    return [(True, _oval(0, 0.05, 1, 1, 180, 360)), *scallops, (True, _box(-0.08, -0.2, 0.08, 0.74)), *hook]


SHAPES: dict[str, list[Part]] = {
    "bell": [
        (
            True,
            _polygon(
                -0.28, -0.7, 0.28, -0.7, 0.5, -0.3, 0.55, 0.2, 0.9, 0.55, -0.9, 0.55, -0.55, 0.2, -0.5, -0.3
            ),
        ),
        (True, _oval(0, -0.75, 0.24, 0.24)),
        (True, _oval(0, 0.68, 0.26, 0.26)),
    ],
    "bird": [
        (True, _oval(-0.05, 0.1, 0.62, 0.42)),
        (True, _oval(0.55, -0.35, 0.3, 0.3)),
        (True, _polygon(0.75, -0.5, 1.1, -0.3, 0.75, -0.2)),
        (True, _polygon(-0.5, 0.05, -1.1, -0.3, -1.05, 0.35)),
        (True, _polygon(-0.1, 0.1, -0.55, -0.85, 0.3, -0.1)),
        (True, _box(-0.15, 0.4, -0.05, 0.95)),
        (True, _box(0.12, 0.4, 0.22, 0.95)),
        (False, _oval(0.6, -0.4, 0.08, 0.08)),
    ],
    "boat": [
        (True, _polygon(-1, 0.4, 1, 0.4, 0.6, 0.9, -0.6, 0.9)),
        (True, _box(-0.08, -1, 0.06, 0.5)),
        (True, _polygon(0.14, -0.9, 0.9, 0.22, 0.14, 0.22)),
        (True, _polygon(-0.18, -0.6, -0.18, 0.22, -0.75, 0.22)),
    ],
    "bottle": [
        (True, _box(-0.18, -1, 0.18, -0.3)),
        (True, _polygon(-0.18, -0.45, 0.18, -0.45, 0.42, -0.1, 0.42, 1, -0.42, 1, -0.42, -0.1)),
        (False, _box(-0.42, 0.2, 0.42, 0.32)),
        (False, _box(-0.42, 0.62, 0.42, 0.74)),
    ],
    "car": [
        (True, _polygon(-1, 0.05, -0.65, 0, -0.4, -0.45, 0.35, -0.45, 0.62, 0, 1, 0.1, 1, 0.45, -1, 0.45)),
        (True, _oval(-0.52, 0.45, 0.27, 0.27)),
        (True, _oval(0.52, 0.45, 0.27, 0.27)),
        (False, _polygon(-0.42, -0.02, -0.28, -0.32, -0.03, -0.32, -0.03, -0.02)),
        (False, _polygon(0.08, -0.32, 0.28, -0.32, 0.42, -0.02, 0.08, -0.02)),
        (False, _oval(-0.52, 0.45, 0.11, 0.11)),
        (False, _oval(0.52, 0.45, 0.11, 0.11)),
    ],
    "cat": [
        (True, _oval(0, 0.15, 0.8, 0.7)),
        (True, _polygon(-0.78, 0, -0.75, -0.95, -0.2, -0.45)),
        (True, _polygon(0.78, 0, 0.75, -0.95, 0.2, -0.45)),
        (False, _oval(-0.32, 0.02, 0.13, 0.17)),
        (False, _oval(0.32, 0.02, 0.13, 0.17)),
        (False, _polygon(-0.14, 0.32, 0.14, 0.32, 0, 0.5)),
    ],
    "chair": [
        (True, _box(-0.6, -1, -0.38, 1)),
        (True, _box(-0.6, 0.02, 0.65, 0.26)),
        (True, _box(0.43, 0.1, 0.65, 1)),
    ],
    "cloud": [
        (True, _oval(-0.5, 0.15, 0.48, 0.4)),
        (True, _oval(0.05, -0.2, 0.52, 0.48)),
        (True, _oval(0.55, 0.15, 0.44, 0.4)),
        (True, _box(-0.6, 0.1, 0.6, 0.55)),
    ],
    "crown": [
        (True, _polygon(-0.9, -0.55, -0.45, 0.05, 0, -0.8, 0.45, 0.05, 0.9, -0.55, 0.75, 0.75, -0.75, 0.75)),
        (False, _box(-0.7, 0.4, 0.7, 0.52)),
        (True, _oval(-0.9, -0.6, 0.15, 0.15)),
        (True, _oval(0.9, -0.6, 0.15, 0.15)),
        (True, _oval(0, -0.85, 0.15, 0.15)),
    ],
    "cup": [
        (True, _oval(0.55, -0.05, 0.45, 0.42)),
        (False, _oval(0.55, -0.05, 0.24, 0.22)),
        (True, _polygon(-0.85, -0.6, 0.55, -0.6, 0.4, 0.55, -0.7, 0.55)),
        (True, _box(-1, 0.66, 0.75, 0.84)),
    ],
    "fish": [
        (True, _oval(0.18, 0, 0.72, 0.48)),
        (True, _polygon(-0.38, 0, -1, -0.55, -0.82, 0, -1, 0.55)),
        (True, _polygon(-0.05, -0.4, 0.15, -0.8, 0.45, -0.35)),
        (False, _oval(0.58, -0.1, 0.09, 0.09)),
    ],
    "flag": [
        (True, _box(-0.8, -1, -0.62, 1)),
        (True, _polygon(-0.62, -0.95, 0.9, -0.95, 0.6, -0.5, 0.9, -0.05, -0.62, -0.05)),
    ],
    "flower": _flower(),
    "hat": [
        (True, _oval(0, 0.5, 1, 0.22)),
        (True, _polygon(-0.5, -0.65, 0.5, -0.65, 0.58, 0.5, -0.58, 0.5)),
        (False, _box(-0.55, 0.12, 0.55, 0.26)),
    ],
    "heart": [(True, _heart())],
    "house": [
        (True, _polygon(-1, -0.1, 0, -0.95, 1, -0.1)),
        (True, _box(-0.75, -0.1, 0.75, 0.9)),
        (False, _box(-0.05, 0.3, 0.3, 0.9)),
        (False, _box(-0.5, 0.12, -0.22, 0.42)),
    ],
    "key": [
        (True, _oval(-0.58, 0, 0.42, 0.42)),
        (False, _oval(-0.58, 0, 0.2, 0.2)),
        (True, _box(-0.2, -0.1, 1, 0.1)),
        (True, _box(0.78, 0, 0.96, 0.45)),
        (True, _box(0.45, 0, 0.62, 0.36)),
    ],
    "ladder": _ladder(),
    "lamp": [
        (True, _polygon(-0.4, -0.95, 0.4, -0.95, 0.85, -0.05, -0.85, -0.05)),
        (True, _box(-0.09, -0.1, 0.09, 0.8)),
        (True, _oval(0, 0.85, 0.5, 0.16)),
    ],
    "moon": [(True, _oval(0, 0, 0.95, 0.95)), (False, _oval(0.45, -0.15, 0.78, 0.78))],
    "mushroom": [
        (True, _oval(0, 0, 0.95, 0.85, 180, 360)),
        (True, _polygon(-0.28, 0, 0.28, 0, 0.38, 0.9, -0.38, 0.9)),
        (False, _oval(-0.4, -0.35, 0.15, 0.15)),
        (False, _oval(0.12, -0.52, 0.15, 0.13)),
        (False, _oval(0.5, -0.25, 0.12, 0.12)),
    ],
    "star": [(True, _rays(5, 0.42))],
    "tree": [
        (True, _polygon(0, -1, 0.5, -0.4, -0.5, -0.4)),
        (True, _polygon(0, -0.7, 0.68, 0.08, -0.68, 0.08)),
        (True, _polygon(0, -0.35, 0.85, 0.55, -0.85, 0.55)),
        (True, _box(-0.15, 0.5, 0.15, 1)),
    ],
    "umbrella": _umbrella(),
}

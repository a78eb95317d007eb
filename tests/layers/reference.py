"""The formulas of "One Model To Learn Them All" in float64 NumPy, by plain loops over positions.

Written from the paper, not from the layers, and for one example at a time: `x` is `[length, channels]` or
`[height, width, channels]`. A `mask` is a list of bools over the first axis, False for padding. Weights come
as dicts of float64 arrays by name, as `weights` makes them of a layer.
"""

import math

import numpy as np


def weights(layer):
    """A layer's variables as nested dicts: `w["step1"]["norm"]["gamma"]`."""
    tree = {}
    start = len(layer.path.split("/"))
    for variable in layer.variables:
        *above, name = variable.path.split("/")[start:]
        branch = tree
        for part in above:
            branch = branch.setdefault(part, {})
        branch[name] = np.asarray(variable, np.float64)
    return tree


def relu(x):
    return np.where(x > 0, x, 0.0)


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


def masked(x, mask):
    x = np.array(x, np.float64)
    if mask is not None:
        for t, valid in enumerate(mask):
            if not valid:
                x[t] = 0
    return x


def layer_norm(x, w, epsilon=1e-6):
    """Each position's channels to mean 0 and variance 1, then scale and shift."""
    y = np.empty(x.shape)
    for index in np.ndindex(x.shape[:-1]):
        channels = x[index]
        mean = sum(channels) / len(channels)
        variance = sum((c - mean) ** 2 for c in channels) / len(channels)
        y[index] = (channels - mean) / math.sqrt(variance + epsilon)
    return y * w["gamma"] + w["beta"]


def separable_1d(x, w, dilation=1, causal=False):
    """Tap j of K reads position t + (j - middle) d, or t - (K - 1 - j) d where causal; outside is zero."""
    taps = len(w["depthwise_kernel"])
    last = taps - 1 if causal else taps // 2
    y = np.zeros((len(x), w["bias"].size))
    for t in range(len(x)):
        window = np.zeros(x.shape[1])
        for j in range(taps):
            source = t + (j - last) * dilation
            if 0 <= source < len(x):
                window += w["depthwise_kernel"][j] * x[source]
        y[t] = window @ w["pointwise_kernel"] + w["bias"]
    return y


def separable_2d(x, w, strides=(1, 1)):
    """Centred on the positions 0, s, 2s, ... of both axes; outside is zero."""
    height, width, _ = x.shape
    rows, columns = w["depthwise_kernel"].shape[:2]
    centres = [(i, j) for i in range(0, height, strides[0]) for j in range(0, width, strides[1])]
    y = []
    for i, j in centres:
        window = np.zeros(x.shape[2])
        for a in range(rows):
            for b in range(columns):
                r, c = i + a - rows // 2, j + b - columns // 2
                if 0 <= r < height and 0 <= c < width:
                    window += w["depthwise_kernel"][a, b] * x[r, c]
        y.append(window @ w["pointwise_kernel"] + w["bias"])
    return np.reshape(y, (-(-height // strides[0]), -(-width // strides[1]), -1))


def conv_step(x, w, dilation=1, causal=False, mask=None):
    return layer_norm(separable_1d(masked(relu(x), mask), w["conv"], dilation, causal), w["norm"])


def conv_step_2d(x, w, strides=(1, 1), mask=None):
    return layer_norm(separable_2d(masked(relu(x), mask), w["conv"], strides), w["norm"])


def conv_block(x, w, causal=False, mask=None):
    hidden1 = conv_step(x, w["step1"], 1, causal, mask)
    hidden2 = x + conv_step(hidden1, w["step2"], 1, causal, mask)
    hidden3 = conv_step(hidden2, w["step3"], 1, causal, mask)
    return x + conv_step(hidden3, w["step4"], 8, causal, mask)


def max_pool(x, window, strides, mask=None):
    """The greatest unpadded value around the positions 0, s, 2s, ...; `nan` where there is none."""
    height, width, channels = x.shape
    y = np.full((-(-height // strides[0]), -(-width // strides[1]), channels), np.nan)
    for i, j, c in np.ndindex(y.shape):
        window_values = [
            x[row, column, c]
            for row in range(i * strides[0] - window[0] // 2, i * strides[0] + window[0] // 2 + 1)
            for column in range(j * strides[1] - window[1] // 2, j * strides[1] + window[1] // 2 + 1)
            if 0 <= row < height and 0 <= column < width and (mask is None or mask[row])
        ]
        if window_values:
            y[i, j, c] = max(window_values)
    return y


def conv_res(x, w, window=(3, 3), strides=(2, 2), mask=None):
    c1 = conv_step_2d(x, w["step1"], mask=mask)
    c2 = conv_step_2d(c1, w["step2"], mask=mask)
    return max_pool(c2, window, strides, mask) + conv_step_2d(x, w["skip"], strides, mask)


def timing(length, depth, start=0):
    signal = np.empty((length, depth))
    for t in range(length):
        for even in range(0, depth, 2):
            angle = (start + t) * 1e4 ** (-even / depth)
            signal[t, even], signal[t, even + 1] = math.sin(angle), math.cos(angle)
    return signal


def attention(queries, keys, values, heads, allowed):
    """Each query's weighted mean of values, head by head; `allowed(q, k)` tells what a query may look at."""
    depth = queries.shape[1] // heads
    y = np.zeros((len(queries), values.shape[1]))
    for h in range(heads):
        part = slice(h * depth, (h + 1) * depth)
        for q in range(len(queries)):
            visible = [k for k in range(len(keys)) if allowed(q, k)]
            scores = softmax(np.array([queries[q, part] @ keys[k, part] / math.sqrt(depth) for k in visible]))
            for weight, k in zip(scores, visible, strict=True):
                y[q, part] += weight * values[k, part]
    return y


def self_attention(x, w, heads):
    queries, keys, values = np.split(x @ w["project"]["kernel"], 3, axis=1)
    return attention(queries, keys, values, heads, lambda q, k: k <= q) @ w["output"]["kernel"]


def attention_block(x, source, w, heads, source_mask=None):
    """Two causal steps of x + timing give t; s = t + self-attention(t); x + s + attention(s, K, V)."""
    t = conv_step(x + timing(*x.shape), w["step1"], causal=True)
    t = conv_step(t, w["step2"], dilation=4, causal=True)
    s = t + self_attention(t, w["self_attention"], heads)
    keys = source @ w["keys"]["kernel"]
    values = source @ w["values"]["kernel"] + w["values"]["bias"]
    return x + s + attention(s, keys, values, heads, lambda q, k: source_mask is None or source_mask[k])


def attention_block_without_attention(x, source, w, source_mask=None):
    t = conv_step(x + timing(*x.shape), w["step1"], causal=True)
    t = conv_step(t, w["step2"], dilation=4, causal=True)
    values = source @ w["values"]["kernel"] + w["values"]["bias"]
    valid = [v for k, v in enumerate(values) if source_mask is None or source_mask[k]]
    return x + t + np.mean(valid, axis=0)


def normal_cdf(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


def softplus(x):
    return np.log1p(np.exp(x))


def kth_excluding(h, k, i):
    """The k-th highest component of h, leaving component i out."""
    return sorted((value for j, value in enumerate(h) if j != i), reverse=True)[k - 1]


def gate(clean, scale, noise, k):
    """`G(x)` `[n]` of one position, and `P(x, i)` `[n]` (Shazeer et al. 2017, eq. 3-5 and 9)."""
    h = clean + noise * scale
    best = sorted(range(len(h)), key=lambda i: -h[i])[:k]
    gates = np.zeros(len(h))
    gates[best] = softmax(h[best])
    load = [normal_cdf((clean[i] - kth_excluding(h, k, i)) / scale[i]) for i in range(len(h))]
    return gates, np.array(load)


def cv_squared(x):
    mean = sum(x) / len(x)
    return sum((v - mean) ** 2 for v in x) / len(x) / mean**2


def experts(x, w, gates, capacity=None):
    """Every position's gated sum of feed-forward experts; an expert with `capacity` positions takes no more.

    Args:
      x: `[tokens, d]`.
      gates: `[tokens, n]`, zero for the experts that were not chosen, all zero for padding.

    Returns:
      `[tokens, d]` and the number of (token, expert) pairs dropped.
    """
    used, dropped = np.zeros(gates.shape[1]), 0
    y = np.zeros(x.shape)
    for token, expert in zip(*np.nonzero(gates), strict=True):
        if capacity is not None and used[expert] == capacity:
            dropped += 1
            continue
        used[expert] += 1
        y[token] += gates[token, expert] * (relu(x[token] @ w["in"][expert]) @ w["out"][expert])
    return y, dropped


def image_entry_flow(x, w):
    h1 = conv_step_2d(x, w["h1"], (2, 2))
    h2 = conv_step_2d(h1, w["h2"])
    r3 = conv_res(conv_res(conv_res(h2, w["r1"]), w["r2"]), w["r3"])
    return r3.reshape(-1, r3.shape[2]), r3.shape[:2]


def categorical_exit_flow(x, w, mask=None):
    """Logits `[classes]` of `[height, width, d]`."""
    skip = conv_step_2d(x, w["skip"], (2, 2), mask)
    h2 = conv_step_2d(conv_step_2d(x, w["h1"], mask=mask), w["h2"], mask=mask)
    h3 = skip + max_pool(h2, (3, 3), (2, 2), mask)
    mask = None if mask is None else mask[::2]
    h5 = conv_step_2d(conv_step_2d(h3, w["h4"], mask=mask), w["h5"], mask=mask)
    rows = [row for i, row in enumerate(relu(h5)) if mask is None or mask[i]]
    return np.mean(rows, axis=(0, 1)) @ w["classes"]["kernel"] + w["classes"]["bias"]


def log_mel(samples, frame, hop, bins, rate=16000, low=80.0, high=7600.0, floor=1e-2):
    """Log energies of triangles on the mel scale `1127 ln(1 + f / 700)`, above a floor.

    Frames start at 0, hop, 2 hop, ... while inside the samples; what is beyond the end is zero.
    """
    fft = 1
    while fft < frame:
        fft *= 2
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * n / frame) for n in range(frame)]
    mel = lambda hertz: 1127 * math.log(1 + hertz / 700)  # noqa: E731
    edges = np.linspace(mel(low), mel(high), bins + 2)
    frames = []
    for start in range(0, len(samples), hop):
        windowed = np.zeros(fft)
        piece = samples[start : start + frame]
        windowed[: len(piece)] = piece * hann[: len(piece)]
        turns = np.exp(-2j * np.pi * np.outer(np.arange(fft // 2 + 1), np.arange(fft)) / fft)
        magnitude = np.abs(turns @ windowed)
        energies = np.zeros(bins)
        for b in range(bins):
            left, centre, right = edges[b : b + 3]
            for f in range(1, fft // 2 + 1):
                m = mel(f * rate / fft)
                rise, fall = (m - left) / (centre - left), (right - m) / (right - centre)
                energies[b] += max(0.0, min(rise, fall)) * magnitude[f]
        frames.append(np.log((energies + floor) / floor))
    return np.array(frames)

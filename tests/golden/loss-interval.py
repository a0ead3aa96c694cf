"""Writes loss-interval.txt: outcomes of probes and the 95 % interval of their loss ratio.

A second computation of what probe-user/src/engine/interval.rs computes from sums, from the
outcomes themselves, with numpy. Run it in this folder: python3 loss-interval.py
"""

import numpy as np

Z = 1.959963985


def wilson(part, whole):
    share = part / whole
    half = Z * np.sqrt(share * (1 - share) / whole + Z**2 / (4 * whole**2))
    centre = share + Z**2 / (2 * whole)
    bounds = np.array([centre - half, centre + half]) / (1 + Z**2 / whole)
    return bounds[0] if part else 0.0, bounds[1] if part < whole else 1.0


def effective_sizes(x):
    """Variance inflation: by the correlations at all lags, and by a chain of two states."""
    n, mean = len(x), x.mean()
    total = 0.0
    for lag in range(1, min(64, n // 10) + 1):
        rho = (np.mean(x[lag:] * x[:-lag]) - mean**2) / x.var()
        if rho < 2 / np.sqrt(n):
            break
        total += rho
    return 1 + 2 * total


def interval(x):
    n, lost = len(x), int(x.sum())
    if lost in (0, n):
        return wilson(lost, n)
    before, after = x[:-1], x[1:]
    into = max(int(((before == 0) & (after == 1)).sum()), 1), max(int((before == 0).sum()), 1)
    out = max(int(((before == 1) & (after == 0)).sum()), 1), max(int((before == 1).sum()), 1)
    p, r = into[0] / into[1], out[0] / out[1]
    (p_low, p_high), (r_low, r_high) = wilson(*into), wilson(*out)
    correlation = 1 - p - r
    wider = np.sqrt(max(1, effective_sizes(x) / ((1 + correlation) / (1 - correlation))))
    low = np.log(p / r) - wider * np.sqrt(np.log(p / p_low) ** 2 + np.log(r_high / r) ** 2)
    high = np.log(p / r) + wider * np.sqrt(np.log(p_high / p) ** 2 + np.log(r / r_low) ** 2)
    odds = lambda logarithm: 1 / (1 + np.exp(-logarithm))
    return min(odds(low), x.mean()), max(odds(high), x.mean())


def draw(rng, n, bad, length, lossy):
    state, outcomes = rng.random() < bad, []
    for _ in range(n):
        outcomes.append(float(state and rng.random() < lossy))
        if rng.random() < (1 / length if state else bad / (1 - bad) / length):
            state = not state
    return np.array(outcomes)


rng = np.random.default_rng(20261128)
with open("loss-interval.txt", "w") as file:
    for n in (1, 2, 20, 300, 1000):
        for bad, length, lossy in ((0.02, 1.1, 1), (0.1, 5, 1), (0.5, 10, 1), (0.3, 30, 0.4)):
            x = draw(rng, n, bad, length, lossy)
            low, high = interval(x)
            text = "".join("x" if lost else "." for lost in x)
            file.write(f"{low:.12f} {high:.12f} {text}\n")

"""Trials as a search leaves them, of every state, for what is made of them."""

import numpy as np
import pandas as pd


def planted_trials():
    """Nine trials; number 3 is the best, 4 repeats it, 5 to 9 gave no partition."""
    rows = [
        # algorithm, preprocessing, parameters, clusters, noise, score, seconds, started, state, reason, same as
        ("kmeans", "none", {"n_clusters": 2}, 2, 0.0, 0.5, 0.5, 0.0, "ok", "", np.nan),
        ("kmeans", "standard", {"n_clusters": 3}, 3, 0.0, 0.4, 1.0, 0.6, "ok", "", np.nan),
        ("gaussian_mixture", "pca", {"n_components": 5, "covariance_type": "full"}, 5, 0.0, 0.7, 0.2, 0.5, "ok", "",
         np.nan),
        ("hdbscan", "none", {"min_cluster_size": 7}, 3, 0.125, 0.9, 0.1, 2.0, "ok", "", np.nan),
        ("dbscan", "none", {"eps": 0.25}, 3, 0.1, 0.9, 0.1, 2.5, "same", "", 3.0),
        ("dbscan", "none", {"eps": 9.0}, 1, 0.0, np.nan, 0.1, 2.7, "refused", "fewer than two clusters", np.nan),
        ("dbscan", "none", {"eps": 8.0}, 1, 0.0, np.nan, 0.1, 2.8, "refused", "fewer than two clusters", np.nan),
        ("spectral", "none", {"n_clusters": 4}, np.nan, np.nan, np.nan, 3.0, 3.0, "timed out", "more than 3 s", np.nan),
        ("birch", "none", {"n_clusters": 4}, np.nan, np.nan, np.nan, 0.1, 6.5, "failed", "ValueError: <b>bad</b>",
         np.nan),
    ]  # fmt: skip
    columns = ["algorithm", "preprocessing", "parameters", "n_clusters", "noise_share", "score", "seconds", "started"]
    frame = pd.DataFrame(rows, columns=[*columns, "state", "reason", "same_as"])
    frame.insert(0, "number", np.arange(len(rows)))
    frame.insert(1, "stage", ["portfolio"] * 4 + ["search"] * 5)
    return frame.astype({"n_clusters": float, "same_as": float})

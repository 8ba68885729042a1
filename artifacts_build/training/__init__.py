"""Training: outcomes and embeddings to a predictor."""

"""The alignment network: where to look, the model, its weights, and how it is run."""

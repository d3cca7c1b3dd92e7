"""What is trained: data, architectures, the training loop, evaluation and figures."""

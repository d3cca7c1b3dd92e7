"""fmsearch: experiment-tracked hyperparameter search for Keras image classifiers."""

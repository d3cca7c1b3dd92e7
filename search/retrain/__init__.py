"""Training again: the best trial on all images, for the registry; or a run, to compare its numbers.

Offers:
    register_best (champion): trains the best parameters on all images and registers the model.
    read_recorded_training (recorded_training): what a run records of its training.
    replay (replay): trains that again and compares every number.
"""

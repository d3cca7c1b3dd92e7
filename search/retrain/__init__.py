"""Training again: the best trial on all images, for the registry; or a run, to compare its numbers.

Offers:
    register_best (champion): trains the best parameters on all images and registers the model.
    register_own (own_model): registers the model that a trial has left.
    choose, Choice (choice): the trial that is registered, and why.
    measure_latency (latency): how long a trial's network takes for one image.
    check_goes_with, evaluate, log_evaluation, Evaluation (evaluation): any version on test images.
    judge, Answers (gate): whether a candidate is better than the champion.
    check_target, roll_back (promotion): who may have an alias, and gives it back.
    read_recorded_training (recorded_training): what a run records of its training.
    replay (replay): trains that again and compares every number.
"""

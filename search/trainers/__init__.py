"""Trainers: the processes that train, one job at a time, and the pool that replaces dead ones.

Offers:
    TrainerPool, run_job, run_jobs, usable_cores (pool): trainers, as their coordinator sees them.
    TrialJob, FinalJob, LatencyJob, TrainerSetup (jobs): what a trainer can be asked to do.
    CheckJob, LoadJob, MetricJob (jobs): the same, to see whether a user's own code works.
    EpochDone, JobDone, JobPaused, JobFailed, JobEnd, Message (messages): what trainers say.
    trainer_setup (setup): what the numbers of a training depend on, but for its job.
"""

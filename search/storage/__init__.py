"""The storage: the durable record of studies and trials, in a database of Optuna's.

Offers:
    open_database (database): the same database for Optuna's own tools.
    open_storage, Storage (storage): all studies of a database.
    StoredStudy (stored_study): one study's trials, and how they change their states.
    Decision, is_paused, is_running, pause_of (attributes): what stands of a trial in the storage.
    StudyConfig (study_config): what a study is, so that only the same study resumes it.
    HEARTBEAT, OWNER (ownership): which coordinator a running trial belongs to.
    enqueued_point, id_of (optuna_private): what is used of Optuna beyond its public interface.

What Optuna has no call for is in `changes`. A database that is away is waited for in `retrying`.
"""

"""Studies: run, resumed, joined from other machines, looked at, shipped, renamed and deleted.

Offers:
    run_study, check_outcome (run): runs a plan, or goes on with it.
    make_plan (make_plan): what a user asks for, as a plan.
    Plan, Limits, check_plan (plan): what a study is to be, and when it ends.
    StudyCallback (callback): hears how a study goes on.
    join, wait_for, WorkerOptions (join): one more worker of a study.
    delete_study, versions_in_use (delete): deletes a study, and what would be missed.
    retry_failed (retry): lets failed trials be tried again.
    rename_study, complete_rename, is_renamed_in_part (rename): gives a study another name.
    export_study, study_record, trials_record, json_text (export): a study for other programs.
    recover (resume): takes up what an earlier session left.
    sync_all, ship, run_records_of (sync): ships what waits in the outbox.
    unknown_outboxes, labels_of (sync): results of studies that the storage does not have.
    possible_gain (stopping): what more trials may gain.
    overview, summary, StudyStatus, StudySummary (status): how a study stands.
"""

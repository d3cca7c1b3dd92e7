"""Runs: what MLflow gets of trials and studies, who makes it, and shipping.

Offers:
    STUDY, TRIAL, FINAL, EVALUATION (schema): what each kind of run holds.
    REPRODUCTION, EXPERIMENT (schema): the same.
    BEST_SCORE, CURVES (schema): names of metrics.
    CONFUSION, CONFUSION_FIGURE, CURVES_FIGURE (schema): names of files.
    ARCHITECTURE_FIGURE, REPRODUCTION_PAGE, REPRODUCTION_TEXT, SEARCH_PAGE (schema): names of files.
    Case, Numbers, write (schema_types): in which case a run holds what; how its files are made.
    Made, missing_tag (schema_types): what was made, and tags that say why other files were not.
    cases_of_study, cases_of_trial (values): the cases in which a run is.
    STATUS, identity, trial_identity, run_name, trial_tags (values): a run's name, status and tags.
    training_params, metrics, final_metrics, result_metrics (values): its params and metrics.
    study_outcome (values): what came out of a study.
    data_input (values): a data set as MLflow shows it.
    RunRecords (records): makes the run records of one study.
    Artifacts, TrainingDone, best_epoch (artifacts): makes the files of a training's run.
    parameter_columns (tables): names of columns, none of them twice.
    trials_csv, cv_results_csv, csv_text (tables): tables as CSV.
    shown (tables): a parameter's value as text.
    interactive_figures (search_figures): figures of a search, for notebooks.
    study_view (study_view): how MLflow's UI shows a study's trials.
    note_importances (importances): puts on record how much each parameter matters for the scores.
    Shipping, is_unshipped, UNSHIPPED (shipping): from the outbox to MLflow, in the background.
"""

"""Tables of a study's trials, as its run has them."""

from fmsearch.search.runs.tables import cv_results_csv, trials_csv
from fmsearch.search.trial import State, Trial


def test_tables_have_a_row_for_each_trial() -> None:
    scores = {"score": 0.5, "score_std": 0.1, "fold_1_score": 0.4, "fold_2_score": 0.6}
    trials = [
        Trial(0, {"a": 1}, State.COMPLETE, 0.5, scores, (1.0, 3.0), (0.25, 0.25)),
        Trial(1, {"a": 2}, State.FAILED, reason="why, indeed"),
    ]
    assert trials_csv(trials).splitlines() == [
        "trial,state,a,score,score_std,fold_1_score,fold_2_score,fit_seconds,reason",
        "0,complete,1,0.5,0.1,0.4,0.6,4.0,",
        '1,failed,2,,,,,0,"why, indeed"',
    ]
    assert cv_results_csv(trials).splitlines() == [
        "mean_fit_time,std_fit_time,mean_score_time,std_score_time,param_a,params,"
        "split0_test_score,split1_test_score,mean_test_score,std_test_score,rank_test_score",
        "2.0,1.0,0.25,0.0,1,{'a': 1},0.4,0.6,0.5,0.09999999999999998,1",
    ]


def test_a_study_without_a_complete_trial_has_an_empty_cv_table() -> None:
    assert cv_results_csv([Trial(0, {"a": 1}, State.WAITING)]).strip() == ""

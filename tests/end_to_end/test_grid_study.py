"""Studies of a grid, run as users run them: real processes, a real store, real images."""

from __future__ import annotations

from .records import runs, table

OPTIONS = ("--train-images", 400)


def test_a_study_runs_to_its_end_and_says_what_is_best(installed, four_points, images) -> None:  # type: ignore[no-untyped-def]
    done = installed("study", "--space", four_points, "--data", images, "--jobs", 2, *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "small: 4 trials, 2 trainers"
    assert sum("score 0." in line for line in lines[1:5]) == 4
    assert lines[5].startswith("best: trial ")
    assert lines[6] == "browse: fmsearch ui    register: fmsearch register --study small"


def test_any_number_of_trainers_gives_the_same_scores_to_the_last_bit(  # type: ignore[no-untyped-def]
    fmsearch, small_grid, images, tmp_path
) -> None:
    tables = []
    for jobs in (1, 3):
        home = tmp_path / f"jobs-{jobs}"
        options = ("--jobs", jobs, "--home", home, "--offline", *OPTIONS)
        done = fmsearch("study", "--space", small_grid, "--data", images, *options)
        assert done.returncode == 0, done.stderr
        tables.append(table(home, "small"))
    assert len(tables[0]) == 8
    assert tables[0] == tables[1]


def test_a_second_coordinator_of_the_same_study_is_refused(  # type: ignore[no-untyped-def]
    begin, fmsearch, small_grid, images
) -> None:
    arguments = (
        "study",
        "--space",
        small_grid,
        "--data",
        images,
        "--jobs",
        1,
        "--offline",
        *OPTIONS,
    )
    process = begin(*arguments)
    assert process.stdout.readline().startswith("small: 8 trials")
    second = fmsearch(*arguments)
    assert second.returncode == 1
    expected = f"fmsearch: the study 'small' is being run by process {process.pid}"
    assert second.stderr == f"{expected}; wait for it or stop it\n"


def test_a_fresh_study_deletes_the_old_ones_runs_and_begins_anew(  # type: ignore[no-untyped-def]
    begin, fmsearch, four_points, images, tmp_path
) -> None:
    arguments = ("study", "--space", four_points, "--data", images, "--jobs", 1, *OPTIONS)
    assert fmsearch(*arguments).returncode == 0
    first = {run.info.run_id for run in runs(tmp_path / "mlruns")}
    asked = fmsearch(*arguments, "--seed", 1, "--fresh")
    assert asked.stderr == (
        "fmsearch: --fresh asks before it deletes; where nobody can answer, add --yes\n"
    )
    anew = begin(*arguments, "--seed", 1, "--fresh", "--yes")
    assert anew.stdout.readline() == "small: 4 trials, 1 trainer\n"
    beside = fmsearch(*arguments, "--seed", 1, "--fresh", "--yes")
    assert beside.stderr.startswith("fmsearch: the study 'small' is being run by process ")
    assert anew.wait(120) == 0
    second = runs(tmp_path / "mlruns")
    assert len(second) == 4
    assert not first & {run.info.run_id for run in second}


def test_studies_of_one_name_in_two_storage_keep_their_runs_apart(  # type: ignore[no-untyped-def]
    fmsearch, two_points, images, tmp_path
) -> None:
    arguments = ("--space", two_points, "--data", images, "--jobs", 1, *OPTIONS)
    assert fmsearch("study", *arguments).returncode == 0
    (tmp_path / "mlruns" / "studies.db").unlink()
    assert fmsearch("study", *arguments, "--seed", 1).returncode == 0
    found = runs(tmp_path / "mlruns")
    assert len(found) == 4
    assert len({run.data.params["seed"] for run in found}) == 4

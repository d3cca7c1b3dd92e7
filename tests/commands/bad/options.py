"""Bad options."""

import os

from .case import LONG, STUDY, Bad

# fmt: off
OPTIONS = (
    Bad("a name of 65 letters", f"{STUDY} --name {'a' * 65}", "must be 1 to 64 letters", code=2),
    Bad("a name with an umlaut", f"{STUDY} --name für", "'für' must be 1 to 64 letters", code=2),
    Bad("a seed in words", f"{STUDY} --seed one", "'one' is not a valid integer", code=2),
    Bad("half a trial", f"{STUDY} --trials 2.5", "'2.5' is not a valid integer range", code=2),
    Bad("trials of a grid", f"{STUDY} --trials 3", "is a grid, which tries every point: it has no"),
    Bad("an endless time", f"{STUDY} --timeout inf", "'inf' is no time like 90s, 20m", code=2),
    Bad("a score beyond all", f"{STUDY} --target-score 2", "2: accuracy is from 0 to 1"),
    Bad("a score in words", f"{STUDY} --target-score high", "'high' is not a valid float", code=2),
    Bad("a space of no name", "study --space ", "it is empty; leave the option out", code=2),
    Bad("an overlong space", f"study --space {LONG}", "and no file of that name; built-in spaces"),
    Bad("an overlong space to print", f"spaces {LONG}", "and no file of that name; built-in"),
    Bad("a folder as space", "spaces .", "no space '.' and no file of that name"),
    Bad("a second space", "spaces mlp cnn", "unexpected extra argument (cnn)", code=2),
    Bad("an overlong data file", f"data --data {LONG}", "cannot be read: File name too long"),
    Bad("a folder as data", "data --data .", ".: has no folders of classes with pictures in them"),
    Bad("a pipe as data", "data --data pipe", "pipe is no file", lambda at: os.mkfifo(at / "pipe")),
    Bad("two studies", "status a b", "Got unexpected extra argument (b)", code=2),
    Bad("an experiment of spaces", f"{STUDY} --experiment \t", r"--experiment '\t' must be 1 to"),
    Bad("an overlong experiment", f"status --experiment {LONG}", "must be 1 to 500 characters"),
    Bad("a high port", "ui --port 65536", "65536 is not in the range 1<=x<=65535", code=2),
    Bad("endless epochs", "register --study a --epochs 9999999", "1<=x<=1000000", code=2),
    Bad("a rollback of what", "register --rollback", "--rollback wants --model NAME", code=2),
    Bad("a trial below 0", "register --study a --trial -1", "-1 is not in the range x>=0", code=2),
    Bad("no parameters", "register --study a --max-parameters 0", "0 is not in the range", code=2),
    Bad("no time", "register --study a --max-latency 0", "0 is not in the range x>0", code=2),
    Bad("a limit of one", "register a --trial 1 --max-latency 2", "and --trial: name one", code=2),
    Bad("epochs of none", "register a --no-refit --epochs 2", "--no-refit trains noth", code=2),
    Bad("no picture", "predict", "Missing argument 'PICTURES...'", code=2),
    Bad("a picture that is gone", "predict gone.png", "no picture 'gone.png'"),
    Bad("no pictures", "predict no", "has no picture", lambda at: (at / "no").mkdir()),
    Bad("a picture without a store", "predict tiny.npz --home none", "there is no store at"),
    Bad("an option of another command", "sync --study a", "No such option '--study'", code=2),
    Bad("an empty home", "status --home ", "'FMSEARCH_HOME'): it is empty; leave", code=2),
    Bad("a blank home", "sync --home \t", "it is empty; leave the option out", code=2),
    Bad("an empty name", f"{STUDY} --name ", "'--name': it is empty; leave the option out", code=2),
    Bad("empty runs", f"{STUDY} --tracking-uri ", "'MLFLOW_TRACKING_URI'): it is empty", code=2),
    Bad("empty storage", "doctor --storage ", "'FMSEARCH_STORAGE'): it is empty", code=2),
    Bad("empty data", "data --data ", "'--data': it is empty", code=2),
    Bad("an empty model", "register --study a --model ", "'--model': it is empty", code=2),
    Bad("an option without a value", "data --data", "Option '--data' requires an argument", code=2),
)

"""The program: its commands, and how it shows errors and exits."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from .commands.backup import backup
from .commands.dashboard import dashboard
from .commands.data import data
from .commands.doctor import doctor
from .commands.env import env
from .commands.evaluate import evaluate
from .commands.predict import predict
from .commands.register import register
from .commands.replay import replay
from .commands.reproduce import reproduce
from .commands.serve import serve
from .commands.spaces import spaces
from .commands.status import status
from .commands.streams import flush, mend_streams, nobody_reads
from .commands.studies import studies
from .commands.study import study
from .commands.sync import sync
from .commands.terminal import LogFormatter, replace_missing_characters, say
from .commands.ui import ui
from .commands.worker import worker
from .errors import FmsearchError, full_disk, too_little_memory
from .places import working_folder
from .search.processes.scratch import clear_scratch
from .text import one_line


class Commands(click.Group):
    """A group that shows an error that a user can mend as one line, and exits with 1, 2 or 130."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:  # Click would print an empty line
            raise click.Abort from None

    def main(self, *arguments: Any, **options: Any) -> Any:
        try:
            _check_text(*arguments[:1])
            sys.exit(super().main(*arguments, **{**options, "standalone_mode": False}))
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:  # such as wrong usage, whose code is 2
            _end(error.format_message(), error.exit_code)
        except FmsearchError as error:
            _end(str(error), 1)
        except click.Abort:
            _end("interrupted; the same command goes on from here", 130)
        except Exception as error:
            if isinstance(error, BrokenPipeError) and nobody_reads():
                sys.exit(1)
            if not (line := full_disk(error) or too_little_memory(error)):
                raise
            _end(line, 1)


def _check_text(arguments: Sequence[str] | None = None) -> None:
    """See that what the user says is text: databases and MLflow keep nothing else.

    Raises:
        click.UsageError: It is not.
    """
    given = sys.argv[1:] if arguments is None else arguments
    said = {f"the argument {one!a}": one for one in given}
    ours = ("FMSEARCH_", "MLFLOW_")
    said |= {name: value for name, value in os.environ.items() if name.startswith(ours)}
    for what, value in said.items():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"{what} is no UTF-8 text; name it otherwise") from None


def _end(message: str, code: int) -> NoReturn:
    say(f"fmsearch: {one_line(message)}", err=True)
    sys.exit(code)


def program() -> NoReturn:
    """The console script. It leaves by `os._exit`: unloading TensorFlow would take 1.6 s."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends as Ctrl-C does
    mend_streams()
    replace_missing_characters()
    code: object = 1
    try:
        main()
    except SystemExit as ended:
        code = ended.code or 0
    except Exception:  # a bug, which is to be seen, without secrets
        say(traceback.format_exc(), err=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # too late
    clear_scratch()
    logging.shutdown()
    if line := flush():
        say(f"fmsearch: {line}", err=True)
        code = code or 1
    os._exit(code if isinstance(code, int) else 1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fmsearch")
@click.option("-v", "--verbose", is_flag=True, help="Say more about what is being done.")
def main(verbose: bool) -> None:
    """Search hyperparameters of Keras image classifiers and keep the evidence in MLflow.

    \b
    The three steps:
      fmsearch study --space mlp_grid       search, every trial in MLflow
      fmsearch ui                           browse
      fmsearch register --study mlp_grid    train the best on all images, register it
    """
    handler = logging.StreamHandler()
    handler.setFormatter(LogFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, handlers=[handler], force=True
    )
    if (here := str(working_folder())) not in sys.path:
        sys.path.append(here)  # the place of a user's own model


for command in (
    study,
    worker,
    spaces,
    data,
    status,
    studies,
    ui,
    dashboard,
    register,
    predict,
    evaluate,
    serve,
    replay,
    sync,
    doctor,
    backup,
    env,
    reproduce,
):
    main.add_command(command)

if __name__ == "__main__":
    program()

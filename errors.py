"""The one error that fmsearch raises for what a user can mend."""


class FmsearchError(Exception):
    """Something is wrong that the user can mend; the message says what and how.

    The command line prints it as one line and exits with code 1. A bug is never
    raised as this error, so that it surfaces with its traceback.
    """

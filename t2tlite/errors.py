"""Errors that a user can mend: shown as one line, never as a traceback."""


class UserError(Exception):
    """Something the user gave is wrong; the message names it, what was expected, and what to do next.

    Commands print the message as one line on stderr and exit with status 2.
    """

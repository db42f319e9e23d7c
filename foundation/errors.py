"""The one exception that a person is meant to see."""


class UserError(Exception):
    """What is wrong and what to do next, in one line.

    Raised for anything that the person at the keyboard can mend: a wrong flag, a damaged file, a full disk. The scripts
    print its message after `error:` and exit with code 2; any other exception is a defect of ours and keeps its
    traceback.
    """

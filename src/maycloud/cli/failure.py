"""How commands fail: a sentence, the next step, and an exit code of its own for what scripts tell apart."""

GENERAL = 1
PORT_TAKEN = 3
DATA_LOCKED = 4
DATA_TOO_NEW = 5
NOT_RUNNING = 6
STACK_FAILED = 7
STEP_FAILED = 8


class Failure(Exception):  # noqa: N818 - reads as what it is
    """Ends the command with `message`, then `hint` (what to do), then `exit_code`."""

    def __init__(self, message: str, hint: str = "", exit_code: int = GENERAL) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

"""The command line: words in, words out.

Commands are imported one by one when they are called, so that ``relight --help`` loads click and nothing else.
What does not belong here: rules about what may happen (the kernel's) and who may do it (control's).
"""


def main() -> int:
    """Run the command line and return its exit code; the entry point of ``relight``."""
    from relight.cli.program import run_program

    return run_program()

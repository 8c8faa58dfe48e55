"""The command line: words in, words out.

Commands are imported one by one when they are called, so that ``relight --help`` loads click and nothing else.
What does not belong here: rules about what may happen (the kernel's) and who may do it (control's).
"""


def main() -> int:
    """Run the command line and return its exit code; the entry point of ``relight``."""
    import signal

    # While nothing but imports goes on, Ctrl-C ends it at once: nobody wants to read which import it was.
    watched = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if watched:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from relight.cli.program import run_program

    if watched:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return run_program()

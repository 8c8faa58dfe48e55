"""The program: one group that imports a command when it is called, and one place where everything ends.

What a command returns is its exit code; what it raises becomes a sentence, a hint and an exit code in ``endings``.
"""

import os
import sys
from importlib import import_module
from typing import Any

import click

from relight.cli.commands import COMMANDS, FORMATS, SECTIONS
from relight.cli.terminal import clean

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Relight(click.Group):
    """The group of all commands, loaded one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every name, in the order of an incident."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, attribute = entry.place.split(":")
        command: click.Command = getattr(import_module(f"relight.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean `relight {near[0]}`?" if near else "`relight --help` lists the commands"
            raise UnknownCommand(f"there is no command {clean(name)!r}", hint)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            from relight.cli.endings import ReaderGone

            raise ReaderGone from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in sections, without importing any."""
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(command.name, command.summary) for command in section])


class UnknownCommand(click.UsageError):
    """A command that does not exist, with what was probably meant."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def _show_version(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        sys.stdout.write(f"relight {version('relight')}\n")
        ctx.exit()


EPILOG = """
Exit codes: 0 succeeded; 1 failed; 2 usage; 3 invalid document; 4 not permitted; 5 waiting at a gate;
6 aborted or denied; 7 held; 8 outcome unknown; 9 journal; 75 locked; 130 view interrupted, the run goes on.
"""


@click.group(cls=Relight, invoke_without_command=True, context_settings=CONTEXT, epilog=EPILOG)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Print the version."
)
@click.option("-o", "--output", type=click.Choice(FORMATS), help="What standard output is for.")
@click.option("--journal", metavar="URL", help="Another journal than the one in RELIGHT_HOME: sqlite:///PATH.")
@click.pass_context
def program(ctx: click.Context, output: str | None, journal: str | None) -> Any:
    """Bring a degraded service back in stages, with a person's hand on the switch.

    Without a command: the unfinished runs, then your runbooks with their symptoms.
    """
    given = {name: value for name, value in (("output", output), ("journal", journal)) if value is not None}
    if ctx.invoked_subcommand is None:
        from relight.cli.catalogue import overview

        return ctx.invoke(overview, **given)
    # Said before the command it means the same as behind it.
    ctx.default_map = dict.fromkeys(COMMANDS, given)
    return None


def run_program(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; nothing is raised past here."""
    from relight.cli.endings import ended_by, prepare_streams

    argv = sys.argv[1:] if arguments is None else arguments
    prepare_streams()
    try:
        code = program.main(argv, prog_name="relight", standalone_mode=False)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the last resort: a traceback never reaches a user
        if os.environ.get("RELIGHT_DEBUG") and isinstance(error, Exception):
            import traceback

            traceback.print_exc()
        return ended_by(error, argv)
    return code if isinstance(code, int) else 0

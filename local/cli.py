"""`./studio`: the command line that runs all of Agent Studio on one machine."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from domain.common.command_line import CommandLine
from domain.common.errors import InvalidSetting
from local import bench_command, check_command
from local.backups import backup, restore
from local.database import with_database
from local.installation import INCOMPLETE
from local.logs import print_logs
from local.process_spec import StartupError
from local.services import all_services
from local.state_dir import IS_CHECKOUT, PROGRAM, StateDir
from local.status import NOT_RUNNING, down, reset, status
from local.up import ServiceFactory, up

DEFAULT_STATE = ".studio" if IS_CHECKOUT else "~/.local/share/agent-studio"
EXAMPLES = f"""\
first steps:
  {PROGRAM} up              start everything on this machine
  {PROGRAM} talk            have a conversation with the demo agent
  {PROGRAM} down            stop what `up --detach` started

To use your own servers instead of the built-in ones, set DATABASE_URL, REDIS_URL or LIVEKIT_URL
(with LIVEKIT_API_KEY and LIVEKIT_API_SECRET). LIVEKIT_SERVER_BIN is the livekit-server to run, and
LIVEKIT_SIP_BIN the livekit-sip.
STUDIO_STATE is the directory for data, keys and logs (default: {DEFAULT_STATE}).
"""

# The module that each of these starts parses the arguments and explains them.
DELEGATED_COMMANDS = (
    *("test", "bench", "talk", "phone", "doctor", "verify", "export", "import", "simulate", "demo"),
    "admin",
)
SELF_DOCUMENTED_COMMANDS = (
    *("talk", "phone", "doctor", "verify", "export", "import", "simulate", "demo", "admin"),
)
HELP_OPTIONS = {"-h", "--help"}
TENANT_OPTION = "--tenant"
PROGRAM_NAME = {"STUDIO_PROGRAM": f"{PROGRAM} admin"}


def main(argv: Sequence[str] | None = None, services: ServiceFactory = all_services) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments and arguments[0] in DELEGATED_COMMANDS and not _wants_help_here(arguments):
            return _delegate(arguments[0], arguments[1:], os.environ)
        return _run(_parser().parse(arguments), os.environ, services)
    except BrokenPipeError:  # the reader, such as `head`, closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (StartupError, InvalidSetting, OSError) as error:
        print("\n".join(_describe(error)), file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _describe(error: Exception) -> Iterator[str]:
    if isinstance(error, PermissionError):
        yield f"this user may not use {error.filename}: set STUDIO_STATE to use another directory"
    elif isinstance(error, OSError):
        yield f"{error.filename or 'the operating system'}: {error.strerror or error}"
    else:
        yield str(error)
        if "ModuleNotFoundError" in str(error) and IS_CHECKOUT:
            yield INCOMPLETE


def _run(args: argparse.Namespace, environ: Mapping[str, str], services: ServiceFactory) -> int:
    state = StateDir.from_env(environ)
    match args.command:
        case "up":
            return up(
                state,
                environ,
                services,
                port=args.port,
                detach=args.detach,
                with_voice=args.voice,
                with_emulators=args.emulators,
                with_phone=args.phone,
            )
        case "down":
            return down(state)
        case "status":
            return status(state, as_json=args.json)
        case "logs":
            return _logs(state, args)
        case "reset":
            return reset(state, sure=args.yes)
        case "backup":
            return backup(state, args.folder, environ)
        case "restore":
            return restore(state, args.folder, environ)
        case other:
            raise AssertionError(other)


def _delegate(command: str, rest: Sequence[str], environ: Mapping[str, str]) -> int:
    match command:
        case "test" | "bench" if not IS_CHECKOUT:
            raise StartupError(f"{command} needs a checkout of the sources")
        case "test":
            return check_command.run_checks(rest)
        case "bench":
            return bench_command.run_benchmark(rest)
        case "simulate":
            return _run_module(("worker.simulation", *rest), _with_database(environ, rest))
        case "admin":
            settings = environ if HELP_OPTIONS.intersection(rest) else with_database(environ)
            return _run_module(("persistence.admin", *rest), {**settings, **PROGRAM_NAME})
        case "doctor":
            return _run_module(("local.doctor", *rest), environ)
        case "verify":
            return _run_module(("local.bundles", command, *rest), environ)
    modules = {
        "talk": ("local.talk",),
        "phone": ("local.phone_command",),
        "demo": ("local.courier_demo",),
    }
    module = modules.get(command, ("local.bundles", command))
    if HELP_OPTIONS.intersection(rest):
        return _run_module((*module, *rest), environ)
    return _run_with_api((*module, *rest), environ)


def _with_database(environ: Mapping[str, str], arguments: Sequence[str]) -> Mapping[str, str]:
    """The environment of a simulation, which needs a database only for the keys of a tenant."""
    needs_tenant = any(each.split("=")[0] == TENANT_OPTION for each in arguments)
    return with_database(environ) if needs_tenant else environ


def _wants_help_here(arguments: Sequence[str]) -> bool:
    command, options = arguments[0], arguments[1:2]
    return command not in SELF_DOCUMENTED_COMMANDS and bool(HELP_OPTIONS.intersection(options))


def _run_with_api(module: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the module with the URL and token of the local studio, unless STUDIO_URL is set."""
    api: dict[str, str] = {}
    if not environ.get("STUDIO_URL"):
        state = StateDir.from_env(environ)
        record = state.running_record()
        if record is None or not record.ready:
            hint = "still starting; wait until it is ready" if record else NOT_RUNNING
            raise StartupError(f"{hint}, or set STUDIO_URL")
        if "--voice" in module and record.voice.startswith("off"):
            # Before anyone installs PortAudio or records a file for a call that cannot be made.
            raise StartupError(f"voice calls are {record.voice}")
        api = {"STUDIO_URL": record.url, "STUDIO_TOKEN": state.token.read_text().strip()}
    return _run_module(module, {**environ, **api})


def _run_module(module: Sequence[str], environ: Mapping[str, str]) -> int:
    return subprocess.run((sys.executable, "-m", *module), check=False, env=environ).returncode


def _logs(state: StateDir, args: argparse.Namespace) -> int:
    logs = {path.stem: path for path in sorted(state.logs.glob("*.log"))}
    if args.name:
        if args.name not in logs:
            available = ", ".join(logs) or "none"
            raise StartupError(f"no log named {args.name}; available: {available}")
        logs = {args.name: logs[args.name]}
    if logs:
        with contextlib.suppress(KeyboardInterrupt):
            print_logs(logs, print, last=args.lines, follow=args.follow)
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def _parser() -> CommandLine:
    parser = CommandLine(
        prog=PROGRAM,
        description="Agent Studio on one machine.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)

    def command(name: str, help: str) -> Callable[..., argparse.Action]:
        return commands.add_parser(name, help=help, description=help).add_argument

    add = command("up", "start everything and keep it running")
    add("--port", type=_port, help="port of the API (default: API_PORT, or 8000)")
    add(
        "--detach",
        action="store_true",
        help="continue in the background once everything is ready",
    )
    add("--no-voice", dest="voice", action="store_false", help="text calls only, without LiveKit")
    add(
        "--emulators",
        action="store_true",
        help="emulate every provider that has no API key; agents then sound like tones",
    )
    add(
        "--phone",
        action="store_true",
        help="run livekit-sip for telephone calls, or its emulator where it is not installed",
    )
    command("down", "stop everything")
    command("status", "list the processes with pid, state, uptime, restarts and memory")(
        "--json", action="store_true", help="machine-readable output"
    )
    add = command("logs", "print the logs of the processes")
    add("name", nargs="?", help="print only the log of this process (default: all)")
    add("-f", "--follow", action="store_true", help="follow new lines")
    add(
        "-n",
        "--lines",
        type=int,
        default=50,
        metavar="N",
        help="number of existing lines to print (default: 50)",
    )
    command("reset", "delete all data, keys and logs of this installation")(
        "--yes", action="store_true", help="do not ask for confirmation"
    )
    command("backup", "copy the database, its key and the recordings of a running studio")(
        "folder", type=Path, help="the folder to create"
    )
    command("restore", "restore a backup where there is no database yet")(
        "folder", type=Path, help="a folder that `backup` created"
    )
    command("admin", "manage tenants, operators of the installation, API keys and audit logs")
    command("talk", "have a conversation with an agent in this terminal")
    command("phone", "call an agent with a softphone, or let it call")
    command(
        "doctor", "examine the installation and its telephone, and name each fault with its fix"
    )
    command("verify", "check agent, tool and workflow files without a server")
    command("export", "write agents, tools and workflows as YAML")
    command("import", "import agent, tool and workflow files")
    command("simulate", "run simulation suites without a server")
    command("demo", "import a second workflow and serve the HTTP API that its tool calls")
    add = command("test", "run every check, or only the tests that the arguments select")
    add(
        "arguments",
        nargs="*",
        metavar="ARGUMENT",
        help="an argument of pytest (default: all tests)",
    )
    add = command("bench", "run a benchmark, or list the benchmarks")
    add("name", nargs="?", metavar="NAME", help="the benchmark (default: list all of them)")
    add("arguments", nargs="*", metavar="ARGUMENT", help="its arguments; NAME --help explains them")
    add("--json", action="store_true", help="machine-readable output: one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""The command line of the lab."""
import argparse
import difflib
import os
import shutil
import signal
import sys
import tempfile
import time

from . import LabError, formats, machine, run, server

FOREVER = 365 * 86400
LEAVE = "This is an emulated server; nothing in it can reach your machine.  Leave it with `exit` (or Ctrl-A, then X, at any time)."


def parser():
    p = argparse.ArgumentParser(
        prog="lab", description="Boots emulated servers, with an IOMMU and PCI devices to give away, and runs scenarios in them.",
        epilog="Set PT_LAB_DIR for another place than BUILD/lab for logs, PT_LAB_CACHE for the kernel and images, "
               "PT_LAB_TIME_FACTOR to give a slow machine more time.")
    sub = p.add_subparsers(dest="command", metavar="COMMAND", required=True)
    sub.add_parser("list", help="what there is: scenarios and hardware")
    r = sub.add_parser("run", help="run scenarios; exit 0 when all passed, 1 when one failed")
    r.add_argument("scenario", nargs="*", metavar="SCENARIO", help="NAME, or NAME@DIR for the programs of another build directory")
    r.add_argument("--all", action="store_true", help="every scenario")
    r.add_argument("--jobs", type=positive, metavar="N",
                   help="how many servers at once, of two processors and 4 GB each (default: what this machine has room for; 1 with -v)")
    r.add_argument("--keep", action="store_true", help="keep the disk images too")
    r.add_argument("-v", "--verbose", action="store_true", help="show every check, and all that the scenario prints")
    s = sub.add_parser("shell", help="an interactive server to try anything in")
    s.add_argument("hardware", nargs="?", default="all-well", metavar="HARDWARE")
    for command in (r, s):
        command.add_argument("--build", metavar="DIR", help="where the built passthru is (default: build)")
    return p


def positive(text):
    n = int(text)
    if n < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return n


def pick(kind, name, names):
    """A name that exists; otherwise the nearest ones, exit 2."""
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`lab list` shows what there is"
    raise LabError(f"there is no {kind} {name!r}; {hint}", 2)


def make_lab(args):
    lab = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    source = os.path.dirname(lab)
    build = os.path.abspath(getattr(args, "build", None) or os.path.join(source, "build"))
    if getattr(args, "build", None) and not os.path.isdir(build):
        raise LabError(f"--build {args.build}: there is no such directory", 2)
    work = os.path.abspath(os.environ.get("PT_LAB_DIR") or os.path.join(build, "lab"))
    # The cache is shared by all builds: it does not depend on any.
    cache = os.path.abspath(os.environ.get("PT_LAB_CACHE") or os.path.join(source, "build", "lab", "cache"))
    return run.Lab(lab, build, work, cache)


def print_rows(title, rows):
    width = max((len(name) for name, _ in rows), default=0)
    print(title)
    for name, text in rows:
        print(f"  {name:<{width}}  {text}")


def do_list(lab):
    print_rows("scenarios (lab run NAME):",
               [(n, formats.load_scenario(lab.scenarios, n).description) for n in formats.scenario_names(lab.scenarios)])
    print()
    print_rows("hardware (lab shell NAME):",
               [(n, formats.load_hardware(lab.hardware, n).description) for n in formats.hardware_names(lab.hardware)])
    return 0


def room_for():
    """A server keeps one processor busy most of the time; it may come to use all its memory."""
    with open("/proc/meminfo", encoding="ascii") as f:
        free_kb = next((int(line.split()[1]) for line in f if line.startswith("MemAvailable:")), 0)
    return max(1, min(len(os.sched_getaffinity(0)), free_kb // (5 << 20), 8))


def find_scenario(lab, wanted, names):
    """By name; or by the path of a folder, for scenarios of one's own.  Behind an @ stands whose programs it gets."""
    name, at, build = wanted.partition("@")
    scenario = find_folder(lab, name, names)
    if at and not os.path.isdir(build):
        raise LabError(f"{wanted}: there is no directory {build!r}", 2)
    if at:
        scenario.name = f"{scenario.name}@{os.path.basename(os.path.normpath(build))}"
        scenario.build = os.path.abspath(build)
        machine.server_sees(scenario.build)
    return scenario


def find_folder(lab, name, names):
    if "/" in name and os.path.isfile(os.path.join(name, "scenario")):
        folder, base = os.path.split(os.path.abspath(name))
        machine.server_sees(folder)
        return formats.load_scenario(folder, base)
    return formats.load_scenario(lab.scenarios, pick("scenario", name, names))


def do_run(lab, args):
    names = formats.scenario_names(lab.scenarios)
    wanted = args.scenario + (names if args.all else [])
    if not wanted:
        raise LabError("which scenario?  Name one or more, or use --all; `lab list` shows them", 2)
    scenarios = [find_scenario(lab, n, names) for n in dict.fromkeys(wanted)]
    hardware = formats.hardware_names(lab.hardware)
    for scenario in scenarios:
        for name in sum((names for _, names in scenario.beside), scenario.hardware):
            pick("hardware", name, hardware)
    jobs = args.jobs or (1 if args.verbose else room_for())
    if jobs > 1:    # the longest first, so that none is left alone at the end
        scenarios.sort(key=lambda s: -s.time_limit)
    return run.run_all(lab, scenarios, jobs, args.verbose, args.keep)


def do_shell(lab, args):
    name = pick("hardware", args.hardware, formats.hardware_names(lab.hardware))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise LabError("lab shell needs a terminal", 2)
    lab.prepare()
    hardware = formats.load_hardware(lab.hardware, name)
    os.makedirs(lab.work, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="shell-", dir=lab.work)
    try:
        return shell_in(lab, hardware, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def shell_in(lab, hardware, folder):
    scenario = formats.Scenario(os.path.basename(folder), folder, "", [hardware.name], [], time_limit=0, needs=[], state=0, programs=[],
                                install=False, processors=2)
    one = server.Server(run.Run(lab, scenario, False, False), 1)
    one.prepare()
    size = shutil.get_terminal_size()
    serial = os.path.join(folder, "serial.log")
    shell = machine.Machine(lab, hardware, one.make_disks(hardware), None, one.out, serial, scenario.processors)
    machine.write_environment(
        os.path.join(one.out, "boot.env"),
        server.environment(lab, hardware, PT_SHELL="1", PT_ROWS=size.lines, PT_COLUMNS=size.columns,
                        PT_SCENARIO="shell", TERM=os.environ.get("TERM", "linux"), PT_WELCOME=LEAVE))
    print(f"starting an emulated server, hardware {hardware.name}.  {LEAVE}", flush=True)
    shell.start(terminal=True)
    ended = False
    try:
        for kind, _ in shell.lines(time.monotonic() + FOREVER, FOREVER):
            if kind == "end":
                ended = True
                break
        left = ended or shell.wait() == 0      # QEMU's own way out ends it with 0
    finally:
        shell.kill()
    if not left:
        raise LabError(f"the server died: {machine.why_it_died(serial, serial + '.qemu')}")
    return 0


def stop(signum, _frame):
    """Ctrl-C, a hang-up or a kill: end the servers, then ourselves."""
    server.stopping.set()
    machine.kill_all()
    raise SystemExit(128 + signum)


def main(argv):
    args = parser().parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)   # `lab list | head`
    try:
        lab = make_lab(args)
        if args.command == "list":
            return do_list(lab)
        if args.command == "run":
            return do_run(lab, args)
        return do_shell(lab, args)
    except LabError as e:
        print(f"lab: {e}", file=sys.stderr)
        return e.status
    finally:
        machine.kill_all()

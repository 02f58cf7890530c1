"""`--launch accelerate`: the command started again as several processes, by accelerate's own launcher.

The launcher runs inside this process, so that exit codes, reasons and signals pass through without loss.
"""

import contextlib
import json
import logging
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from magdi_cli.cli.streams import owned_stdout
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import (
    EnvironmentProblem,
    Interrupted,
    MagdiError,
    ProcessFailed,
    ProcessKilled,
    UnknownName,
    UsageProblem,
)
from magdi_cli.core.launcher import launched
from magdi_cli.core.options import DEVICES_PANEL, flag
from magdi_cli.core.records import STDIN

PROFILES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ddp": ("--multi_gpu",),
        "fsdp": (
            *("--use_fsdp", "--fsdp_version", "2", "--fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP"),
            *("--fsdp_state_dict_type", "FULL_STATE_DICT", "--fsdp_cpu_ram_efficient_loading", "false"),
        ),
        "zero2": ("--use_deepspeed", "--zero_stage", "2"),
        "zero3": (
            *("--use_deepspeed", "--zero_stage", "3", "--zero3_init_flag", "false"),
            *("--zero3_save_16bit_model", "true"),
        ),
    }
)
"""What accelerate calls the ways to share the work; everything else is accelerate's own default."""
ONE_MACHINE = ("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0")
"""What a profile leaves open: no question asked, no port that a second run would want, too."""
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def handed_over(config: DistillConfig, *, json_wanted: bool, verbose: bool) -> bool:
    """Whether this process is through: others have done the command's work, or their start was only printed."""
    # one process is enough to look
    wanted = config.print_launch or (config.launch == "accelerate" and config.writes)
    if STDIN in config.graphs and (wanted or launched()):
        raise UsageProblem("several processes cannot share stdin; name a file of graphs")
    if launched():
        return False
    if not wanted:
        _require_launch(config)
        return False
    if config.print_launch:
        with owned_stdout() as sink:
            sink.write(_shown(accelerate_arguments(config, sys.argv[1:]), json_wanted=json_wanted))
    else:
        _require_gpus(config)
        launch(accelerate_arguments(config, sys.argv[1:]), verbose=verbose)
    return True


def _require_launch(config: DistillConfig) -> None:
    """Refuse what would be passed over in silence: options of launching where one process trains."""
    given = {"--processes": config.processes, "--accelerate-config": config.accelerate_config}
    for name, value in given.items():
        if value and config.writes:
            raise UsageProblem(f"{name} {value} belongs to --launch accelerate; add that, or leave it out")


def _require_gpus(config: DistillConfig) -> None:
    """Refuse what accelerate would pass over in silence."""
    import torch

    if config.accelerate_config == "fsdp" and not torch.cuda.is_available():
        raise UsageProblem("accelerate shards a model over GPUs only, and this machine has none; leave fsdp out")


def _shown(arguments: Sequence[str], *, json_wanted: bool) -> bytes:
    """The command for a shell, or as JSON."""
    command = [sys.executable, "-m", "accelerate.commands.launch", *arguments]
    return f"{json.dumps({'command': command}) if json_wanted else shlex.join(command)}\n".encode()


def accelerate_arguments(config: DistillConfig, command: Sequence[str]) -> list[str]:
    """What `accelerate launch` is given: the profile, and magdi's own command line without the options of launching."""
    return [*_profile(config), "-m", "magdi_cli", *_without_launching(command, type(config))]


def _profile(config: DistillConfig) -> list[str]:
    name = config.accelerate_config
    count = ["--num_processes", str(config.processes)] if config.processes else []
    if name is None and _has_own_file():
        return count
    if name is None or name in PROFILES:
        return [*PROFILES[name or "ddp"], *ONE_MACHINE, *_processes(config.processes)]
    if not Path(name).is_file():
        raise UnknownName("file or accelerate profile", name, PROFILES)
    return ["--config_file", name, *count]


def _has_own_file() -> bool:
    """Whether the user has told accelerate about this machine, by `accelerate config`."""
    from accelerate.commands.config.config_args import default_config_file

    return Path(default_config_file).is_file()


def _processes(wanted: int) -> list[str]:
    """As many processes as there are GPUs, or as the user says; on CPUs they share the cores."""
    import torch

    gpus = torch.cuda.device_count()
    if not (wanted or gpus):
        raise UsageProblem("this machine has no GPU to count; --processes N starts N processes on its CPU")
    share = ["--num_cpu_threads_per_process", str(max(1, (os.cpu_count() or 1) // wanted))] if not gpus else []
    return ["--num_processes", str(wanted or gpus), *([] if "OMP_NUM_THREADS" in os.environ else share)]


def _without_launching(command: Sequence[str], config: type[DistillConfig]) -> list[str]:
    """The command line of one process of the command."""
    takes_value = {flag(f.name): f.type is not bool for f in fields(config) if f.metadata["panel"] == DEVICES_PANEL}
    kept: list[str] = []
    words = iter(command)
    for word in words:
        name, equals, _ = word.partition("=")
        if name not in takes_value:
            kept.append(word)
        elif takes_value[name] and not equals:
            next(words, None)
    return kept


def launch(arguments: Sequence[str], *, verbose: bool) -> None:
    """Run accelerate's launcher to its end, whatever that is."""
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    parsed = launch_command_parser().parse_args(list(arguments))
    # whoever started us deaf to a signal, as nohup does, wants the others deaf, too
    heard = [number for number in FORWARDED if signal.getsignal(number) is not signal.SIG_IGN]
    parsed.signals_to_handle = ",".join(number.name for number in heard)
    try:
        with _quiet(verbose):
            launch_command(parsed)
    except ChildFailedError as error:
        raise _reason(error.failures) from None
    except SignalException as error:
        raise Interrupted(error.sigval) from None
    except ImportError as error:
        raise EnvironmentProblem(f"accelerate lacks a package for this --accelerate-config: {error}") from None
    except ValueError as error:
        raise UsageProblem(f"accelerate refuses to launch: {error}") from None


@contextlib.contextmanager
def _quiet(verbose: bool) -> Iterator[None]:
    """Keep the launcher's own words off stdout and, unless they are wanted, off stderr."""
    logging.disable(logging.NOTSET if verbose else logging.ERROR)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        logging.disable(logging.NOTSET)


def _reason(failures: Mapping[int, Any]) -> MagdiError:
    """The failure that brought the others about."""
    rank = min(failures, key=lambda rank: (_far_from_cause(failures[rank]), failures[rank].timestamp, rank))
    failure = failures[rank]
    if _recorded(failure):
        return ProcessFailed(str(failure.message), failure.exitcode)
    if number := _signal(failure):
        return ProcessKilled(
            f"process {rank} was ended by {number.name}; where nobody did that, memory ran out: "
            "lower --batch-size or --max-length, or take fewer --processes"
        )
    return ProcessFailed(f"process {rank} ended with code {failure.exitcode} and did not say why", failure.exitcode)


def _far_from_cause(failure: Any) -> int:
    """How unlikely a failure is to have brought the others about: 0 for what magdi foresaw, then kills.

    A lost connection is a bug to who loses it, and a request to end is what all get once one has failed.
    """
    if _recorded(failure):
        return 0 if failure.exitcode != MagdiError.exit_code else 2
    return 1 if _signal(failure) not in (signal.SIGTERM, signal.SIGINT) else 3


def _signal(failure: Any) -> signal.Signals | None:
    """The signal that ended a process, by the way its parent or a shell is told."""
    number = -failure.exitcode if failure.exitcode < 0 else failure.exitcode - 128
    return signal.Signals(number) if number in iter(signal.Signals) else None


def _recorded(failure: Any) -> bool:
    """Whether the process said why it failed."""
    return Path(failure.error_file).is_file()

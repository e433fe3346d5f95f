"""Run the simulator without Django: `python -m django_ihuyi.simulator [ADDR:PORT]`."""

from __future__ import annotations

import argparse
import functools

from django_ihuyi.simulator.command import add_arguments, run


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m django_ihuyi.simulator", description="Imitate iHuyi's platform.")
    add_arguments(parser)
    options = parser.parse_args()
    try:
        run(options, say=functools.partial(print, flush=True))
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()

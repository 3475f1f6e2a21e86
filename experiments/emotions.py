"""`python -m experiments.emotions NAME`: emotions of captions, and their part in text-to-video retrieval."""

from __future__ import annotations

from importlib import import_module

import click

from experiments.experiment_command import ExperimentCommand

COMMANDS = {  # module by name of the command
    "annotate": "experiments.lexicons.annotate_command",
    "train": "experiments.emotion_retrieval.training.train_command",
    "test": "experiments.emotion_retrieval.comparison.evaluate_command",
    "tables": "experiments.emotion_retrieval.comparison.tables_command",
    "demo": "experiments.emotion_retrieval.exploration.demo_command",
    "tsne": "experiments.emotion_retrieval.exploration.tsne_command",
    "reencode": "experiments.emotion_retrieval.data.reencode_command",
    "splits": "experiments.emotion_retrieval.data.splits_command",
    "harm": "experiments.emotion_retrieval.harm.command",
    "dial": "experiments.affect_dial.dial_command",
}
DEFAULT_COMMAND = "annotate"
HELP_OPTIONS = ("-h", "--help")


class EmotionsGroup(ExperimentCommand, click.Group):
    """Commands in modules that are imported when needed; arguments without a command are of `annotate`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `annotate` in front of what does not begin with a command."""
        if not args or args[0] not in (*COMMANDS, *HELP_OPTIONS):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The `command` of a module; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name]).command
        return command


@click.group(
    "emotions",
    cls=EmotionsGroup,
    context_settings={"help_option_names": [*HELP_OPTIONS], "max_content_width": 100},
)
def main() -> None:
    """Emotions in captions, and what they do to text-to-video retrieval.

    Without a command it annotates: `python -m experiments.emotions captions.csv`.
    """


if __name__ == "__main__":
    main()

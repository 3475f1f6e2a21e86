"""What an index run counts and says."""

from pathlib import Path


def counts(progress):
    """What is not zero."""
    told = progress.to_json()
    names = ("indexed", "unchanged", "rechecked", "moved", "removed", "missing")
    return {name: told[name] for name in names if told[name]} | (
        {"failed": len(told["failed"])} if told["failed"] else {}
    )


def reasons(progress):
    return {Path(entry["path"]).name: entry["reason"] for entry in progress.to_json()["failed"]}

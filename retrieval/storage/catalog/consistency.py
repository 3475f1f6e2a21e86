"""Consistency rules between the catalogue's tables."""

from __future__ import annotations

from retrieval.storage.catalog.database import Database

_COUNT = "(SELECT CAST(value AS INTEGER) FROM meta WHERE key = '{}')"
CONSISTENCY_QUERIES = {
    "items have no segments": "SELECT count(*) FROM items WHERE segment_count < 1",
    "items lie outside the columns": f"""SELECT count(*) FROM items WHERE position < 0 OR first_segment < 0
        OR position >= coalesce({_COUNT.format("item_count")}, 0)
        OR first_segment + segment_count > coalesce({_COUNT.format("segment_count")}, 0)""",
    "items share a position": """SELECT count(*) FROM (SELECT 1 FROM items GROUP BY position
        HAVING count(*) > 1)""",
    "items without a file are not marked as removed": """SELECT count(*) FROM items
        WHERE position NOT IN (SELECT position FROM removed_items)
        AND id NOT IN (SELECT item FROM files WHERE item IS NOT NULL)""",
    "items with a file are marked as removed": """SELECT count(*) FROM items
        WHERE position IN (SELECT position FROM removed_items)
        AND id IN (SELECT item FROM files WHERE item IS NOT NULL)""",
    "files stand for no item": """SELECT count(*) FROM files
        WHERE item IS NOT NULL AND item NOT IN (SELECT id FROM items)""",
}


def find_inconsistencies(database: Database) -> list[str]:
    """Violated rules with their counts, one line each; empty if all hold."""
    counts = {rule: database.execute(sql)[0][0] for rule, sql in CONSISTENCY_QUERIES.items()}
    return [f"{count} {rule}" for rule, count in counts.items() if count]

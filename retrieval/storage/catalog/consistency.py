"""Consistency rules between the catalogue's tables."""

from __future__ import annotations

from retrieval.storage.catalog.database import Database

CONSISTENCY_QUERIES = {
    "rows belong to no segment": """SELECT count(*) FROM rows LEFT JOIN segments ON segments.id = segment
        WHERE segments.id IS NULL""",
    "rows are counted on that no row file has": """SELECT count(*) FROM rows LEFT JOIN stores ON name = store
        WHERE row < 0 OR row >= coalesce(count, 0)""",
    "items have no segments": "SELECT count(*) FROM items WHERE id NOT IN (SELECT item FROM segments)",
    "items lack a segment": """SELECT count(*) FROM (SELECT 1 FROM segments GROUP BY item
        HAVING count(*) <> max(number) + 1 OR min(number) <> 0)""",
    "segments belong to no item": "SELECT count(*) FROM segments WHERE item NOT IN (SELECT id FROM items)",
    "files stand for no item": """SELECT count(*) FROM files
        WHERE item IS NOT NULL AND item NOT IN (SELECT id FROM items)""",
}


def find_inconsistencies(database: Database) -> list[str]:
    """Violated rules with their counts, one line each; empty if all hold."""
    counts = {rule: database.execute(sql)[0][0] for rule, sql in CONSISTENCY_QUERIES.items()}
    return [f"{count} {rule}" for rule, count in counts.items() if count]

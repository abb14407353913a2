"""A witness inside the campaign's Postgres: in which order attempts began and ended.

# why: processes read their own clocks before their statements, so that what they note of two
# attempts which took turns may seem to overlap by what the second statement had to wait. The
# order in which rows change is free of that.
"""

from collections.abc import Sequence

SET_UP: Sequence[str] = (
    "CREATE TABLE chaos_turns (seq bigserial, job_id text, lease bigint, began boolean)",
    """
    CREATE FUNCTION chaos_turn() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.state = 'running' AND (NEW.state <> 'running' OR NEW.lease <> OLD.lease) THEN
            INSERT INTO chaos_turns (job_id, lease, began) VALUES (OLD.id, OLD.lease, false);
        END IF;
        IF NEW.state = 'running' AND (OLD.state <> 'running' OR NEW.lease <> OLD.lease) THEN
            INSERT INTO chaos_turns (job_id, lease, began) VALUES (NEW.id, NEW.lease, true);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER chaos_turn AFTER UPDATE OF state, lease ON jobs
    FOR EACH ROW EXECUTE FUNCTION chaos_turn()
    """,
    "CREATE INDEX ON chaos_turns (job_id, lease)",
)

# Attempts that ended before the witness came have no place in its order: they are before all.
ATTEMPTS = (
    "SELECT a.job_id, a.lease, coalesce(min(t.seq) FILTER (WHERE t.began), 0),"
    " coalesce(max(t.seq) FILTER (WHERE NOT t.began), 0), a.outcome"
    " FROM job_attempts a LEFT JOIN jobs j ON j.id = a.job_id"
    " LEFT JOIN chaos_turns t ON t.job_id = a.job_id AND t.lease = a.lease"
    " WHERE coalesce(j.kind, '') NOT LIKE 'upkeep.%'"
    " GROUP BY a.job_id, a.lease, a.outcome"
)
